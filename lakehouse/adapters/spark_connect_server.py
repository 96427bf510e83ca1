"""A Spark Connect server of our own: one engine that the tasks of the Airflow UI share.

It listens on this machine only and asks for a token, which goes through the environment (the variable
that Spark itself reads), never through settings or a command line.
"""

import os
import secrets
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_session import Engine, session_settings

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
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

    settings = {
        **session_settings(engine, scratch),
        "spark.master": engine.master,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    return [str(submit), "--class", SERVER, "--name", "livinglab", *_as_options(settings.items())]


def _as_options(settings: Iterable[tuple[str, str]]) -> list[str]:
    return [part for key, value in settings for part in ("--conf", f"{key}={value}")]
