"""A Spark Connect server of our own: one engine that the tasks of the Airflow UI share.

It listens on this machine only and asks for a token, which goes through the environment (the variable
that Spark itself reads), never through settings or a command line.

`python -m lakehouse.adapters.spark_connect_server --cluster spark://HOST:7077 --secret FILE` becomes such a
server on a cluster, for the processes beside it; the token must stand in the environment.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_jars import default_folder
from lakehouse.adapters.spark_secret import SHORTEST, write_properties
from lakehouse.adapters.spark_session import LOOPBACK, Engine, session_settings
from lakehouse.errors import LivingLabError, NotReady

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
DEFAULT_PORT = 15002
TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectServer:
    """A server that was started, and the variables with which a process finds it."""

    process: "subprocess.Popen[bytes]"
    variables: Mapping[str, str]


def start_connect_server(engine: Engine, scratch: Path, port: int, output: IO[bytes]) -> ConnectServer:
    """Start the server on localhost:`port`; it is ready a few seconds later.

    `scratch` is its private folder, `output` takes what it says. NotReady without Java or jars.
    """
    check_java()
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    process = subprocess.Popen(
        connect_command(engine, scratch, port),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=scratch,
        env={**os.environ, TOKEN_VARIABLE: token},
    )
    variables = {"LIVINGLAB_SPARK": f"sc://localhost:{port}", TOKEN_VARIABLE: token}
    return ConnectServer(process=process, variables=variables)


def connect_command(engine: Engine, scratch: Path, port: int) -> list[str]:
    """Return the command that runs the server with the settings of every engine of ours."""
    import pyspark

    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = {
        **session_settings(engine, scratch),
        "spark.master": engine.master,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    private = write_properties(scratch / "server.properties", engine.secret)
    named = ["--class", SERVER, "--name", "livinglab", "--properties-file", str(private)]
    return [str(submit), *named, *_as_options(settings.items())]


def _as_options(settings: Iterable[tuple[str, str]]) -> list[str]:
    return [part for key, value in settings for part in ("--conf", f"{key}={value}")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spark_connect_server", description=__doc__)
    parser.add_argument("--cluster", required=True, help="spark://HOST:PORT, or local[N]")
    parser.add_argument("--address", default=LOOPBACK, help="where the workers reach this driver")
    parser.add_argument("--secret", type=Path, help="file with the cluster's secret")
    parser.add_argument("--memory", default="1500m", help="heap of this driver")
    parser.add_argument("--worker-memory", default="1g", help="what each worker gives to it")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Become a server on a cluster; the exit code of the error where it cannot be."""
    asked = _parser().parse_args(arguments)
    engine = Engine(
        master=asked.cluster,
        jars=default_folder(),
        memory=asked.memory,
        address=asked.address,
        worker_memory=asked.worker_memory,
        secret=asked.secret,
    )
    os.umask(0o077)
    try:
        check_java()
        if len(os.environ.get(TOKEN_VARIABLE, "")) < SHORTEST:
            raise NotReady(
                f"{TOKEN_VARIABLE} must hold {SHORTEST} characters or more",
                remedy="set it, the same for the server and for who connects to it",
            )
        command = connect_command(engine, Path(tempfile.mkdtemp(prefix="livinglab-spark-")), asked.port)
        os.execv(command[0], command)
    except LivingLabError as error:
        sys.stderr.write(f"{error.message}\n  {error.remedy}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
