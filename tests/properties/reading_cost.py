"""Reads hypothesis' examples of every reader in a process of its own, under limits that end it.

`python reading_cost.py EXAMPLES` prints a JSON object a data set: examples, seconds, slowest, grown (MB).
Memory: RLIMIT_AS lets the process take 512 MB above what it holds once everything is imported and each reader
has read once. Time: 10 s of processor time a file, by a timer of the system.
"""

import json
import resource
import signal
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from test_reader_properties import DATASETS, messy, people, read, walk_lines

MOST_BYTES = 512 * 2**20
MOST_SECONDS = 10.0


def held(field: str) -> int:
    """Return a size of this process in bytes: VmSize (addresses) or VmHWM (the most memory so far)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


def limit_memory() -> None:
    """Allow 512 MB more than is taken now: beyond them an allocation fails."""
    most = held("VmSize") + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def timed_read(contract, name: str, data: bytes) -> float:
    """Read one file; a file that takes 10 s of processor time ends the process (SIGVTALRM)."""
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    started = time.perf_counter()
    found = read(contract, name, data)
    taken = time.perf_counter() - started
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if len(found.rows) + len(found.rejected) != found.received:
        raise ValueError(contract.name)
    return taken


def cost_of(contract, name: str, examples: int) -> dict[str, object]:
    """Read so many examples with one reader; what they cost."""
    took: list[float] = []
    before = held("VmHWM")

    @given(data=messy | walk_lines | people)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def read_any(data: bytes) -> None:
        took.append(timed_read(contract, name, data))

    started = time.perf_counter()
    read_any()
    return {
        "dataset": contract.name,
        "examples": len(took),
        "seconds": round(time.perf_counter() - started, 1),
        "slowest": round(max(took), 3),
        "grown": (held("VmHWM") - before) >> 20,
    }


def main(examples: int) -> None:
    """Read with every reader in turn."""
    for contract, name in DATASETS:
        read(contract, name, b"")
    limit_memory()
    for contract, name in DATASETS:
        sys.stdout.write(json.dumps(cost_of(contract, name, examples)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
