"""Reads hypothesis' examples of every reader in a process of its own, under limits that end it.

`python reading_cost.py EXAMPLES` prints a JSON object a data set: examples, seconds, slowest, grown (MB).
Memory: RLIMIT_AS lets the process take 512 MB above what it holds before each file; `grown` is the most that
one file took beyond that. Time: 10 s of processor time a file, by a timer of the system.
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
    """Return a size of this process in bytes: VmSize (addresses), VmRSS (memory), VmHWM (the most of it)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024


def limit_memory() -> None:
    """Allow 512 MB more than is taken now: beyond them an allocation fails."""
    most = held("VmSize") + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def cost_of_file(contract, name: str, data: bytes) -> tuple[float, int]:
    """Read one file, return seconds and bytes; 10 s of processor time end the process (SIGVTALRM)."""
    limit_memory()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = held("VmRSS")
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    started = time.perf_counter()
    found = read(contract, name, data)
    taken = time.perf_counter() - started
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if len(found.rows) + len(found.rejected) != found.received:
        raise ValueError(contract.name)
    return taken, held("VmHWM") - before


def cost_of(contract, name: str, examples: int) -> dict[str, object]:
    """Read so many examples with one reader; what they cost."""
    costs: list[tuple[float, int]] = []

    @given(data=messy | walk_lines | people)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def read_any(data: bytes) -> None:
        costs.append(cost_of_file(contract, name, data))

    started = time.perf_counter()
    read_any()
    return {
        "dataset": contract.name,
        "examples": len(costs),
        "seconds": round(time.perf_counter() - started, 1),
        "slowest": round(max(seconds for seconds, _ in costs), 3),
        "grown": max(grown for _, grown in costs) >> 20,
    }


def main(examples: int) -> None:
    """Read with every reader in turn."""
    for contract, name in DATASETS:
        read(contract, name, b"")
    for contract, name in DATASETS:
        sys.stdout.write(json.dumps(cost_of(contract, name, examples)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
