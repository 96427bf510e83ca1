"""Spark's standalone master and workers, from the same pyspark as the platform's.

`python -m lakehouse.adapters.spark_cluster master --host HOST --secret FILE` and
`… worker spark://HOST:7077 --host HOST --secret FILE` become that daemon. They need Java and nothing else:
Delta's jars come to the workers from the driver. Web pages listen on 127.0.0.1 only.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_secret import write_properties
from lakehouse.adapters.spark_session import PROJECT
from lakehouse.errors import LivingLabError

MASTER_PORT, WORKER_PORT = 7077, 7078
CONFIGURATION = PROJECT / "infra" / "spark"
DAEMON_MEMORY = "256m"
DAEMON_SETTINGS = {"spark.master.rest.enabled": "false"}
"""The master's HTTP door for programs (port 6066) asks for no secret, and Spark opens it by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """One master or worker: the command that becomes it, and what its environment holds besides."""

    command: tuple[str, ...]
    variables: Mapping[str, str]


def master_daemon(folder: Path, host: str, port: int, secret: Path | None) -> Daemon:
    """Return a master that listens on `host`:`port`; its settings go to the private `folder`."""
    placed = ("--host", host, "--port", str(port), "--webui-port", "0")
    return _daemon("org.apache.spark.deploy.master.Master", folder, secret, placed)


def worker_daemon(
    folder: Path, master: str, host: str, port: int, secret: Path | None, *, cores: int, memory: str
) -> Daemon:
    """Return a worker of `master` that lends `cores` and `memory` (as Spark writes it, `2g`).

    What its executors spill lies in the private `folder`.
    """
    placed = ("--host", host, "--port", str(port), "--webui-port", "0")
    lent = ("--cores", str(cores), "--memory", memory, "--work-dir", str(folder / "applications"))
    daemon = _daemon("org.apache.spark.deploy.worker.Worker", folder, secret, (*placed, *lent, master))
    return Daemon(
        command=daemon.command, variables={**daemon.variables, "SPARK_LOCAL_DIRS": str(folder / "spill")}
    )


def _daemon(kind: str, folder: Path, secret: Path | None, placed: Sequence[str]) -> Daemon:
    import pyspark

    spark = Path(pyspark.__file__).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = write_properties(folder / "daemon.properties", secret, DAEMON_SETTINGS)
    return Daemon(
        command=(str(spark / "bin" / "spark-class"), kind, "--properties-file", str(settings), *placed),
        variables={
            "SPARK_HOME": str(spark),
            "SPARK_CONF_DIR": str(CONFIGURATION),
            "SPARK_DAEMON_MEMORY": DAEMON_MEMORY,
            "SPARK_LOCAL_IP": "127.0.0.1",
        },
    )


def become(daemon: Daemon) -> None:
    """Replace this process by the daemon; files that it makes are its owner's alone."""
    os.umask(0o077)
    os.execve(daemon.command[0], daemon.command, {**os.environ, **daemon.variables})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spark_cluster", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for name, port in (("master", MASTER_PORT), ("worker", WORKER_PORT)):
        kind = kinds.add_parser(name)
        kind.add_argument("--host", required=True, help="name or address under which the others reach it")
        kind.add_argument("--port", type=int, default=port)
        kind.add_argument("--secret", type=Path, help="file with the secret; without one nobody is asked")
        kind.add_argument("--folder", type=Path, help="private folder; default: a temporary one")
        if name == "worker":
            kind.add_argument("master", help="spark://HOST:PORT")
            kind.add_argument("--cores", type=int, default=os.cpu_count())
            kind.add_argument("--memory", default="2g")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the daemon that is asked for; the exit code of the error where it cannot be."""
    asked = _parser().parse_args(arguments)
    try:
        check_java()
        folder = asked.folder or Path(tempfile.mkdtemp(prefix="livinglab-spark-"))
        if asked.kind == "master":
            become(master_daemon(folder, asked.host, asked.port, asked.secret))
        worker = worker_daemon(
            folder, asked.master, asked.host, asked.port, asked.secret, cores=asked.cores, memory=asked.memory
        )
        become(worker)
    except LivingLabError as error:
        sys.stderr.write(f"{error.message}\n  {error.remedy}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
