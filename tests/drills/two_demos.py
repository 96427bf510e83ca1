"""Two `livinglab demo` at once on one empty home: one runs, the other says so; a third repeats it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.drills.kills import PROJECT

PEOPLE = "12"
PROGRAM = "import sys; from lakehouse.cli.main import main; sys.argv[0] = 'livinglab'; main()"
UNLOCKED = f"import lakehouse.cli.demo as d, contextlib; d.hold_home = contextlib.nullcontext; {PROGRAM}"
"""Broken: nobody keeps a second demo away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """How a demo ended, what it wrote to stdout and stderr."""

    code: int
    out: str
    error: str


def start(folder: Path, program: str) -> "subprocess.Popen[str]":
    """Start a demo on the home under `folder`; what Spark left in our environment is not passed on."""
    arguments = ["demo", "--people", PEOPLE, "--json", "--home", str(folder / "home")]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**inherited, "LIVINGLAB_KEYS": str(folder / "keys"), "LIVINGLAB_SHARED": str(folder / "none")},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Demo:
    """Wait for a demo."""
    out, error = process.communicate()
    return Demo(code=process.returncode, out=out, error=error)


def drill(folder: Path, program: str = PROGRAM) -> Iterator[str]:
    """Yield what is wrong when two demos start at once, and when a third follows."""
    both = [ended(process) for process in [start(folder, program), start(folder, program)]]
    codes = sorted(demo.code for demo in both)
    if codes != [0, 7]:
        yield f"two demos at once ended with {codes}"
    for demo in both:
        if "Traceback" in demo.error or (demo.code and demo.out.count('"error"') != 1):
            yield f"a demo ended with {demo.code} and not with one sentence"
    again = ended(start(folder, program))
    said = json.loads(again.out) if again.code == 0 else {}
    parts = [one for name in ("batches", "silver", "releases") for one in said.get(name, [])]
    if not parts or not all(one["repeated"] for one in parts):
        yield f"the third demo ended with {again.code}; {sum(not one['repeated'] for one in parts)} anew"
    fsck = subprocess.run(
        [sys.executable, "-m", "lakehouse", "fsck", "--home", str(folder / "home")],
        env={**os.environ, "LIVINGLAB_KEYS": str(folder / "keys")},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if fsck.returncode:
        yield f"fsck ended with {fsck.returncode}"
