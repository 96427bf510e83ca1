"""`python -m livinglab_airflow.run_ui`: Airflow for people, with one shared Spark engine.

Started by `livinglab ui`, which reads the events and ends it by closing its standard input; whatever
way it ends, every process that it started ends too.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from lakehouse.errors import LivingLabError, Unavailable
from livinglab_airflow.events import EventPipe, stop_with_parent
from livinglab_airflow.settings import ACCOUNTS, airflow_folder, airflow_settings, prepared_passwords
from livinglab_airflow.ui_witnesses import (
    adopt_witnesses,
    name_witnesses,
    needs_witnesses,
    prepare_witnesses,
    start_witness,
)

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""Log servers are left out: on one machine the pages read log files themselves, and no port stays open."""

SERVED_FIRST = "api-server"
"""Tasks report to it: one that a scheduler starts before it answers has failed."""

HEALTHY_WITHIN = 600.0
STOP_SECONDS = 20.0
POLL_SECONDS = 1.0


class StopRequestedError(Exception):
    """The command that started us has gone, or asks us to end."""


class ComponentDiedError(Exception):
    """A component ended by itself; its name is the message."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, tell when it is healthy, wait; events: `starting`, `healthy`, `failed`."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    pipe = EventPipe(options.events)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _request_stop)
    stop_with_parent(signal.SIGTERM)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        _start_witnesses(options, pipe, running)
        _serve(options, pipe, running)
    except StopRequestedError:
        return 0
    except ComponentDiedError as died:
        _ignore_requests()
        remedy = "livinglab ui starts it again; runs that were under way go on"
        pipe.send("failed", refusal=Unavailable(f"{died} has ended", remedy=remedy).as_json())
        return 1
    except LivingLabError as refused:
        _ignore_requests()
        pipe.send("failed", refusal=refused.as_json())
        return 1
    finally:
        _ignore_requests()
        stop_all(running)
        shutil.rmtree(engine_folder(options.home), ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="livinglab_airflow.run_ui")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--events", type=int, required=True, help="file descriptor for the events")
    return parser


def _start_witnesses(
    options: argparse.Namespace, pipe: EventPipe, running: dict[str, "subprocess.Popen[bytes]"]
) -> None:
    """Start three witnesses of the home's log where its site file names none."""
    if not needs_witnesses(options.home, options.site):
        return
    pipe.send("starting", what="witnesses")
    logs = airflow_folder(options.home) / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    witnesses = prepare_witnesses(options.home, options.site, free_port)
    for witness in witnesses:
        name = f"witness {witness.state.name}"
        with _log_file(logs, name.replace(" ", "-")) as output:
            running[name] = start_witness(witness, output)
    _wait_until(lambda: all(answers(witness.url) for witness in witnesses), running)
    name_witnesses(options.home, witnesses)
    adopt_witnesses(options.home, options.site)


def answers(address: str) -> bool:
    """Whether something answers at an address of this machine."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _serve(
    options: argparse.Namespace, pipe: EventPipe, running: dict[str, "subprocess.Popen[bytes]"]
) -> None:
    passwords = prepared_passwords(options.home)
    environment = {**os.environ, **airflow_settings(options.home, port=options.port, site_file=options.site)}
    logs = Path(environment["AIRFLOW_HOME"]) / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    pipe.send("starting", what="database")
    with _log_file(logs, "database") as output:
        command = [sys.executable, "-m", "livinglab_airflow.database"]
        if subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode:
            raise ComponentDiedError("database")
    environment |= _start_engine(options, logs, running)
    address = environment["AIRFLOW__API__BASE_URL"]
    for name, command in COMPONENTS.items():
        pipe.send("starting", what=name)
        with _log_file(logs, name) as output:
            running[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if name == SERVED_FIRST:
            _wait_until(lambda: parts_of_health(address) is not None, running)
    _wait_until(lambda: is_healthy(address), running)
    accounts = [{"name": n, "role": role, "password": passwords[n]} for n, role in ACCOUNTS.items()]
    pipe.send("healthy", address=address, accounts=accounts)
    while True:
        _require_alive(running)
        time.sleep(POLL_SECONDS)


def _start_engine(
    options: argparse.Namespace, logs: Path, running: dict[str, "subprocess.Popen[bytes]"]
) -> Mapping[str, str]:
    """Start the shared engine where the site's is local; a site with a server of its own keeps that."""
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.adapters.spark_connect_server import start_connect_server

    engine = read_site_file(options.site).engine
    if not engine.master.startswith("local"):
        return {}
    with _log_file(logs, "spark") as output:
        server = start_connect_server(engine, engine_folder(options.home), free_port(), output)
    running["spark"] = server.process
    return server.variables


def engine_folder(home: Path) -> Path:
    """Return the engine's scratch folder; it lasts as long as the engine."""
    return airflow_folder(home) / "spark"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until(true: Callable[[], bool], running: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN
    while not true():
        _require_alive(running)
        if time.monotonic() > deadline:
            raise ComponentDiedError(f"something that was not healthy after {HEALTHY_WITHIN:.0f} s")
        time.sleep(POLL_SECONDS)


def is_healthy(address: str) -> bool:
    """Whether database, scheduler, DAG processor and triggerer all say that they are healthy."""
    parts = parts_of_health(address)
    return parts is not None and all(part.get("status") == "healthy" for part in parts.values())


def parts_of_health(address: str) -> Mapping[str, Mapping[str, object]] | None:
    """Return what the API server says of each part, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=5) as answer:
            parts: Mapping[str, Mapping[str, object]] = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
        return None
    return parts


def _require_alive(running: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise ComponentDiedError(name)


def stop_all(running: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    """Interrupt every component and its children, as Ctrl-C would; kill what is left after a while."""
    started = [psutil.Process(process.pid) for process in running.values() if process.poll() is None]
    everyone = [*started, *(child for process in started for child in process.children(recursive=True))]
    for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGKILL, 5.0)):
        for process in everyone:
            _send(process, number)
        _, everyone = psutil.wait_procs(everyone, timeout=seconds)


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _request_stop(_number: int, _frame: object) -> None:
    _ignore_requests()
    raise StopRequestedError


def _ignore_requests() -> None:
    """Who is told that we failed asks us to end; that must not cut the ending of what we started short."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _log_file(folder: Path, name: str) -> IO[bytes]:
    return os.fdopen(os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")


if __name__ == "__main__":
    sys.exit(main())
