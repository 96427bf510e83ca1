"""Start a part of `livinglab_airflow` as a process of its own and read what it tells.

The process gets a pipe for events (JSON lines); its own output goes to a log file under the home, so
that nothing of Airflow or Spark mixes with ours. It ends when we end: it watches its standard input.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakehouse.cli.failures import no_space
from lakehouse.errors import LivingLabError, NotReady

Event = Mapping[str, Any]

STOP_SECONDS = 20.0
LEAST_FREE = 2**20
FAULT = "FAULT"
"""The code of a failure that is no rule of ours; it may carry the system's `errno`."""


@contextmanager
def airflow_events(
    module: str, arguments: Sequence[str], log: Path, *, stop_seconds: float = STOP_SECONDS
) -> Iterator[Iterator[Event]]:
    """Run `python -m livinglab_airflow.<module>` and yield its events as they come.

    Leaving the block ends the process. NotReady where the package is not installed.
    """
    if not _installed():
        raise NotReady("Airflow is not installed in this environment", remedy="make platform")
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", f"livinglab_airflow.{module}", *arguments, "--events", str(writing)]
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[writing],
            start_new_session=True,
        )
    os.close(writing)
    try:
        with os.fdopen(reading, encoding="utf-8") as lines:
            yield (json.loads(line) for line in lines if line.endswith("\n"))
    finally:
        _end(process, stop_seconds)


def ended_early(what: str, log: Path) -> LivingLabError:
    """Return the error for a process that ended without an event: a full disk lets it say nothing."""
    if shutil.disk_usage(log.parent).free < LEAST_FREE:
        return no_space()
    return LivingLabError(what, remedy=f"its log: {log}")


def failure_of(event: Event, log: Path) -> Exception:
    """Return the error that a `failed` event stands for: the refusal of a task, or a fault with its place."""
    refusal: Mapping[str, Any] = event.get("refusal") or {}
    code, message = refusal.get("code"), str(refusal.get("message") or "no reason was given")
    if code == FAULT and isinstance(refusal.get("errno"), int):
        return OSError(refusal["errno"], message)
    known = {error.code: error for error in _all_errors(LivingLabError)}
    if code != FAULT and code in known:
        facts = {name: value for name, value in refusal.items() if name not in {"code", "message", "remedy"}}
        error = known[code].__new__(known[code])
        LivingLabError.__init__(error, message, remedy=str(refusal.get("remedy", "")), **facts)
        return error
    where = f"the DAG {event['dag']}" if event.get("dag") else "Airflow"
    return LivingLabError(f"{where} failed: {message}", remedy=f"its log: {log}")


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("livinglab_airflow") is not None and find_spec("airflow") is not None


def _all_errors(root: type[LivingLabError]) -> Iterator[type[LivingLabError]]:
    for error in root.__subclasses__():
        yield error
        yield from _all_errors(error)


def _end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Close the process's input, which ends it; kill it where that does not help."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
