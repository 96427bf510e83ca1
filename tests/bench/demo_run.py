"""The demo from outside: how long it takes and how much memory all its processes hold together."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MEBIBYTE = 1 << 20


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
    environment = {**os.environ, "LIVINGLAB_KEYS": str(home.parent / "keys")}
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(child.pid, peak), daemon=True)
        watcher.start()
        output, _ = child.communicate()
        taken = time.perf_counter() - begun
    watcher.join(timeout=5)
    if child.returncode:
        raise RuntimeError(f"the demo ended with {child.returncode}: {output[-500:]!r}")
    return DemoRun(seconds=taken, peak_mib=peak[0] // MEBIBYTE, said=json.loads(output))


def _watch(pid: int, peak: list[int]) -> None:
    while psutil.pid_exists(pid):
        peak[0] = max(peak[0], _held(pid))
        time.sleep(0.5)


def _held(pid: int) -> int:
    total = 0
    try:
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            total += process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return total
    return total
