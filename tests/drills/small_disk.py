"""A disk that fills up under a command: it ends with one sentence, and with space again it goes on.

The disk is a tmpfs in a mount namespace of our own; what is free on it is what a file of ballast leaves.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.drills.commands import Break
from tests.drills.stages import Stages

SIZE = 32 * 2**20
PAGE = 4096
FULL = 7
BALLAST = "ballast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One try: what was free when the command began, how it ended, what was wrong."""

    verb: str
    free: int
    code: int
    problems: tuple[str, ...]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of `SIZE` bytes; needs a namespace in which we may mount."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "none", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path, free: int) -> None:
    """Leave `free` bytes on the disk, in whole pages."""
    there = os.statvfs(disk)
    taken = there.f_bavail * there.f_frsize - free
    with (disk / BALLAST).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, taken // PAGE * PAGE)


def drill(
    stages: Stages, disk: Path, verb: str, pages: Sequence[int], broken: Break | None = None
) -> Iterator[Filled]:
    """Run a verb with so many pages free, make room, run it again; what says 0 must have done it."""
    for number in pages:
        caller = stages.copied(verb, disk)
        fill(disk, number * PAGE)
        ended = caller.run(*stages.arguments(verb), broken=broken)
        problems = ended.problems(0, FULL)
        (disk / BALLAST).unlink()
        if ended.code == 0:
            problems += stages.problems_after(caller, verb, ended)
        again = caller.run(*stages.arguments(verb), broken=broken)
        problems += stages.problems_after(caller, verb, again)
        yield Filled(verb=verb, free=number * PAGE, code=ended.code, problems=tuple(problems))
    shutil.rmtree(disk / "work", ignore_errors=True)
