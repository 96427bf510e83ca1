"""Runs a program of the models environment: JSON in, JSON out, a clean environment, an end in time."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lakehouse.errors import NotReady, Unavailable

Process: TypeAlias = "subprocess.Popen[bytes]"

NOT_INSTALLED = frozenset({"ModuleNotFoundError", "ImportError"})
STDERR_NAME = "stderr.txt"
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrograms:
    """The programs under `folder` and the Python that runs them."""

    python: Path
    folder: Path

    def require(self) -> None:
        """Raise NotReady unless the environment and the linker that Concrete calls are there."""
        if not self.python.is_file():
            raise NotReady("the models environment is not installed", remedy="make models")
        if shutil.which("ld") is None:
            raise NotReady(
                "the linker `ld` is missing, which Concrete needs to compile a circuit",
                remedy="install binutils (on Debian and Ubuntu: apt-get install binutils)",
            )

    def start(
        self, program: str, arguments: Sequence[str], place: Path, descriptors: Sequence[int] = ()
    ) -> Process:
        """Start a program in its own session and in `place`, which is also its home and its TMPDIR.

        Nothing of this process's environment is handed on but the search path: no key folder.
        """
        with (place / STDERR_NAME).open("wb") as stderr:
            try:
                return subprocess.Popen(
                    [str(self.python), str(self.folder / program), *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    cwd=place,
                    env=self._environment(place),
                    pass_fds=tuple(descriptors),
                    start_new_session=True,
                )
            except OSError as problem:
                raise NotReady("the models environment cannot be started", remedy="make models") from problem

    def answer_of(
        self, process: Process, job: Mapping[str, object], place: Path, seconds: float
    ) -> dict[str, Any]:
        """Hand the job over and return the answer.

        Raises:
            NotReady: a package of the environment is missing.
            Unavailable: the program failed, hung, or gave no JSON object. What it printed is not shown:
                only the kind of its error.
        """
        try:
            answer, _ = process.communicate(json.dumps(job, allow_nan=False).encode(), timeout=seconds)
        except subprocess.TimeoutExpired as problem:
            raise Unavailable(
                f"the models environment gave no answer in {seconds:g} s",
                remedy="run it again; if it stays so: make models",
            ) from problem
        if process.returncode != 0:
            raise failure_of(process.returncode, place)
        return _parse_answer(answer)

    def _environment(self, place: Path) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(place),
            "TMPDIR": str(place),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.folder.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def end_process(process: Process) -> None:
    """Kill the process with its session if it still runs, and close its pipes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def failure_of(code: int, place: Path) -> NotReady | Unavailable:
    """Return why a program ended with `code`: the kind of its error, never its text."""
    kind = _error_kind(place / STDERR_NAME)
    if kind in NOT_INSTALLED:
        return NotReady("the models environment lacks a package", remedy="make models")
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return Unavailable(
        f"a program of the models environment ended with {ended} ({kind})",
        remedy="run it again; if it stays so: make models",
    )


def _error_kind(stderr: Path) -> str:
    lines = stderr.read_text(errors="replace").splitlines() if stderr.is_file() else []
    kinds = [match[1] for line in lines if (match := _EXCEPTION.match(line)) and match[1] != "Traceback"]
    return kinds[-1].rpartition(".")[2] if kinds else "no error named"


def _parse_answer(answer: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(answer)
    except ValueError as problem:
        raise Unavailable("the models environment gave no JSON", remedy="make models") from problem
    if not isinstance(parsed, dict):
        raise Unavailable("the models environment gave no JSON object", remedy="make models")
    return parsed
