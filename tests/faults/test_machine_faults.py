"""A machine that misbehaves under real commands: one sentence, its exit code, and the same command goes on.

`make drills` runs every fault at every place; here are some, each with a broken variant that must be caught.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.drills.faults import MOUNTING
from tests.drills.kills import PROJECT
from tests.drills.stages import in_own_namespace

pytestmark = pytest.mark.spark

NAMESPACE = in_own_namespace()
Outcomes = Mapping[tuple[str, str | None], Mapping[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Run the drills once, in a process without another Spark session."""
    folder = tmp_path_factory.mktemp("machine")
    mounting = {MOUNTING: "1"} if NAMESPACE else {}
    ended = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.drills.faults", str(folder), "quick"],
        env={**os.environ, "LIVINGLAB_KEYS": str(folder / "keys"), **mounting},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.stdout, ended.stderr[-2000:]
    return {(one["drill"], one["broken"]): one for one in json.loads(ended.stdout)}


@pytest.mark.parametrize(
    "drill",
    [
        "few files",
        "no Java",
        "writers of one batch",
        "killed anywhere",
        "server killed",
        "server killed, a new one",
    ],
)
def test_it_ends_with_a_sentence_and_goes_on(outcomes: Outcomes, drill: str) -> None:
    assert outcomes[drill, None]["problems"] == []


@pytest.mark.skipif(not NAMESPACE, reason="this machine lets nobody mount, not even in a namespace")
@pytest.mark.parametrize("drill", ["read-only home", "disk full"])
def test_a_disk_that_takes_nothing_is_said_and_once_it_does_the_work_goes_on(
    outcomes: Outcomes, drill: str
) -> None:
    assert outcomes[drill, None]["problems"] == []


def test_every_broken_variant_is_caught(outcomes: Outcomes) -> None:
    broken = {names: one for names, one in outcomes.items() if names[1]}
    assert len(broken) >= 4
    assert [names for names, one in broken.items() if not one["problems"]] == []
