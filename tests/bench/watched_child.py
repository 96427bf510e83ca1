"""A child process from outside: how long it takes, and how much memory it and its children hold together."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a child wrote, its seconds, and the peak memory of its processes (MiB, proportional set size)."""

    output: bytes
    seconds: float
    peak_mib: int


def run_watched(command: Sequence[str], environment: Mapping[str, str]) -> Watched:
    """Run a command to its end; RuntimeError, with the end of what it wrote, where it fails."""
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
        raise RuntimeError(f"{command[2:4]} ended with {child.returncode}: {output[-500:]!r}")
    return Watched(output=output, seconds=taken, peak_mib=peak[0] // MEBIBYTE)


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
