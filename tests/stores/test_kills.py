"""kill -9 while a Spark Connect server lives on: a few points of the drill; `make drills` runs it in full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.kills import PROJECT

pytestmark = pytest.mark.spark


def test_a_killed_chain_is_run_to_the_same_gold(tmp_path: Path) -> None:
    """In a process of its own: one that has a Spark session cannot talk to another engine."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.drills.kills", str(tmp_path), "4", "4"],
        env={**os.environ, "LIVINGLAB_KEYS": str(tmp_path / "keys")},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "4 kills\n"), ended.stderr[-2000:]
