"""No example takes a reader over 512 MB or 10 s: the system ends a process that goes beyond."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PROCESS = Path(__file__).with_name("reading_cost.py")
EXAMPLES = 20_000 if os.environ.get("LIVINGLAB_SOAK") else 200
GREEDY = "import reading_cost; reading_cost.limit_memory(); kept = bytearray(2**30)"
ENDLESS = """
import reading_cost
reading_cost.MOST_SECONDS = 0.2
def read(*_arguments):
    while True:
        pass
reading_cost.read = read
reading_cost.cost_of_file(None, "", b"")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=PROCESS.parent, capture_output=True, text=True, check=False
    )


def test_every_reader_reads_every_example_within_its_limits() -> None:
    ended = run(str(PROCESS), str(EXAMPLES))
    assert ended.returncode == 0, ended.stderr[-2000:]
    costs = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(costs) == 5
    for cost in costs:
        assert cost["examples"] >= EXAMPLES // 2 and cost["grown"] < 512, cost


def test_a_reader_that_takes_more_memory_is_ended() -> None:
    assert "MemoryError" in run("-c", GREEDY).stderr


def test_a_reader_that_does_not_end_is_ended() -> None:
    assert run("-c", ENDLESS).returncode == -signal.SIGVTALRM
