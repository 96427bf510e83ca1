"""Run `livinglab` commands as child processes, under limits, with a broken variant, many at once, killed.

A child is a fork of this process, so that it starts where imports have ended; what it runs is the command
line itself, and all that it says and its exit code are kept. The parent uses neither Spark nor deltalake:
what has threads does not survive a fork. It looks at homes in children too (`in_child`).
"""

import importlib
import os
import pickle
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

SLOW_IMPORTS = (
    "great_expectations",
    "pyspark.sql.connect.session",
    "deltalake",
    "opendp",
    "pandas",
    "duckdb",
)
Break = Callable[[], None]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: its exit code (minus the signal that killed it) and what it said."""

    command: str
    code: int
    out: str
    error: str

    def problems(self, *codes: int) -> list[str]:
        """Return what is wrong with the end: another exit code, a traceback, no sentence with its remedy."""
        found = []
        if self.code not in codes:
            found.append(f"{self.command} ended with {self.code}: {self.error[-300:]}")
        if "Traceback" in self.error or "INTERNAL" in self.error:
            found.append(f"{self.command} showed a traceback")
        if self.code in (3, 6, 7) and self.error.count("error: ") != 1:
            found.append(f"{self.command} ended with {self.code} and not with one sentence")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose commands: home and site file, and the folder in which what they say is kept."""

    home: Path
    site_file: Path
    scratch: Path

    def start(
        self,
        *arguments: str,
        broken: Break | None = None,
        environment: Mapping[str, str] | None = None,
        open_files: int | None = None,
    ) -> "Running":
        """Start one command; `broken` changes the program of the child before it runs."""
        self.scratch.mkdir(exist_ok=True)
        said = Path(tempfile.mkdtemp(dir=self.scratch))
        sys.stdout.flush()
        child = os.fork()
        if child:
            return Running(command=arguments[0], child=child, said=said)
        code = 70
        try:
            _become_command(said, environment or {}, open_files)
            if broken is not None:
                broken()
            from lakehouse.cli.main import run

            code = run([*arguments, "--home", str(self.home), "--site", str(self.site_file)])
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def run(
        self,
        *arguments: str,
        broken: Break | None = None,
        environment: Mapping[str, str] | None = None,
        open_files: int | None = None,
    ) -> Ended:
        """Run one command to its end."""
        return self.start(*arguments, broken=broken, environment=environment, open_files=open_files).ended()


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A command under way."""

    command: str
    child: int
    said: Path

    def kill(self) -> None:
        """Kill it, as kill -9 does."""
        os.kill(self.child, signal.SIGKILL)

    def ended(self) -> Ended:
        """Wait for its end."""
        _, status = os.waitpid(self.child, 0)
        code = os.waitstatus_to_exitcode(status)
        out, error = (Path(self.said, name).read_text(errors="replace") for name in ("out", "error"))
        return Ended(command=self.command, code=code, out=out, error=error)


def _become_command(said: Path, environment: Mapping[str, str], open_files: int | None) -> None:
    for number, name in ((1, "out"), (2, "error")):
        handle = os.open(said / name, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    os.environ.update(environment)
    if open_files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))


def in_child(look: Callable[[], Found]) -> Found:
    """Return what `look` returns, called in a child."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            with os.fdopen(writing, "wb") as told:
                pickle.dump(look(), told)
            code = 0
        except BaseException:  # noqa: BLE001  a child tells and ends
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("a child that only looked has failed; its traceback stands above")
    found: Found = pickle.loads(said)
    return found


def import_what_is_slow() -> None:
    """Import what every command would import, once."""
    from lakehouse.adapters.presidio_detector import Detector

    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    Detector().find_in_cells(["P-0001"])
