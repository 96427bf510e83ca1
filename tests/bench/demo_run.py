"""The demo from outside: how long it takes and how much memory all its processes hold together."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.watched_child import run_watched


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """Seconds, peak memory of all processes (MiB, proportional set size), and what the demo said."""

    seconds: float
    peak_mib: int
    said: dict[str, Any]


def run_demo(home: Path, source: Path | None) -> DemoRun:
    """Run `livinglab demo` on a home and watch its processes."""
    command = [sys.executable, "-m", "lakehouse", "demo", "--json", "--home", str(home)]
    command += ["--source", str(source)] if source else []
    watched = run_watched(command, {**os.environ, "LIVINGLAB_KEYS": str(home.parent / "keys")})
    return DemoRun(seconds=watched.seconds, peak_mib=watched.peak_mib, said=json.loads(watched.output))
