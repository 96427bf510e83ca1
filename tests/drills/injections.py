"""One append under strace: which file system calls it makes, and what happens when one fails or kills.

https://man7.org/linux/man-pages/man1/strace.1.html, option --inject.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.drills.append_server import ACKNOWLEDGED

TRACED = "trace=%file,%desc"
NOT_FILES = {"mmap", "ioctl", "select", "pselect6", "poll", "ppoll", "dup", "dup3", "pipe2"}
CALL = re.compile(r"(?:\d+ +)?([a-z_0-9]+)\((.*)")
FAILURES = {"EIO": "error=EIO", "KILL": "error=EIO:signal=KILL"}
LOOKING = {"newfstatat", "lseek", "fcntl"}
"""Half of all calls only look or lock: every fifth of them fails."""
UNCHANGING = LOOKING | {"read", "pread64", "flock", "getdents64", "fchown"}
"""A kill at one of these leaves the disk as a kill at the next call does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """The call number `number` of one kind fails with EIO, or is the last thing that the process does."""

    call: str
    number: int
    failure: str

    def options(self) -> list[str]:
        """Return what strace is told."""
        failing = f"inject={self.call}:{FAILURES[self.failure]}:when={self.number}"
        return ["-e", f"trace={self.call}", "-e", failing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """How one append ended: was it acknowledged, and what strace wrote."""

    acknowledged: bool
    trace: tuple[str, ...]

    @property
    def injected(self) -> bool:
        """Say whether the failure happened."""
        return any("INJECTED" in line or "killed by SIGKILL" in line for line in self.trace)


def why_no_strace() -> str | None:
    """Return why nothing can be injected here, or None."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "this machine does not let strace take hold of a process"


class AppendServer:
    """The server of `append_server`, and strace around its children."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="livinglab-faults-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.drills.append_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[2],
        )

    def __enter__(self) -> "AppendServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._scratch.cleanup()

    def append(
        self, home: Path, site_file: Path, injection: Injection | None = None, broken: str | None = None
    ) -> Append:
        """Append one leaf to the log of `home`, with the failure; `broken` names a broken variant."""
        assert self._process.stdin and self._process.stdout
        asked = {"home": str(home), "site_file": str(site_file), "broken": broken}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        trace = Path(self._scratch.name, "trace")
        command = ["strace", "-f", "-s", "4096", "-p", str(child), "-o", str(trace)]
        command += injection.options() if injection else ["-y", "-e", TRACED]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert strace.stderr
            while b"attached" not in (said := strace.stderr.readline()):
                if not said:
                    raise RuntimeError("strace could not take hold of the process")
            os.kill(child, signal.SIGUSR1)
            said = self._process.stdout.readline()
            acknowledged = said == ACKNOWLEDGED
            while said != b"ended\n":
                said = self._process.stdout.readline()
        return Append(acknowledged=acknowledged, trace=tuple(trace.read_text().splitlines()))


def calls_of(append: Append) -> list[str]:
    """Return the file system calls of an append in order, up to its acknowledgement."""
    calls: list[str] = []
    for line in append.trace:
        found = CALL.match(line)
        if found is None or found[1] in NOT_FILES:
            continue
        if ACKNOWLEDGED.decode().strip() in line:
            break
        calls.append(found[1])
    return calls


def injections_of(calls: list[str]) -> list[Injection]:
    """Return an EIO at each call, LOOKING ones apart, and a kill at each that changes the disk."""
    seen: Counter[str] = Counter()
    made: list[Injection] = []
    for call in calls:
        seen[call] += 1
        if call in LOOKING and seen[call] % 5 != 1:
            continue
        failures = ["EIO"] if call in UNCHANGING else FAILURES
        made += [Injection(call=call, number=seen[call], failure=failure) for failure in failures]
    return made
