"""The drills in full: `make drills`. Each prints its figures; docs/benchmarks.md keeps those of one run."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.drills import airflow_killed, kills, log_faults, tampering, two_demos
from tests.drills.faults import MOUNTING
from tests.drills.injections import AppendServer, why_no_strace
from tests.drills.stages import in_own_namespace
from tests.local_ports import free_port

Say = Callable[[str], None]
SEED = 4
KILLS, BYTES = 100, 200
RECOVERY_SECONDS = 5.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    return tmp_path


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[Say]:
    """Say a line to whoever runs the drill."""

    def said(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", end="", flush=True)  # noqa: T201  the figures are what a drill is for

    yield said


@pytest.mark.skipif(why_no_strace() is not None, reason=str(why_no_strace()))
def test_every_file_system_call_of_an_append_fails_and_kills(folder: Path, say: Say) -> None:
    begun = time.monotonic()
    with AppendServer() as server:
        faults = list(log_faults.drill(server, folder, log_faults.ORDINARY))
        faults += log_faults.drill(server, folder, log_faults.LAST_OF_A_TILE, every=3)
    injected = Counter(fault.injection.failure for fault in faults if fault.append.injected)
    wrong = [fault for fault in faults if fault.problems]
    say(
        f"append: {injected.total()} injections ({injected['EIO']} EIO, {injected['KILL']} kills), "
        f"{sum(fault.append.acknowledged for fault in faults)} acknowledged all the same, "
        f"{len(wrong)} logs inconsistent, {time.monotonic() - begun:.0f} s"
    )
    assert wrong == []
    assert injected.total() >= 150


@pytest.mark.spark
def test_a_hundred_kills_lose_and_double_nothing(folder: Path, say: Say) -> None:
    begun = time.monotonic()
    with kills.connect_server(folder), kills.ChainServer() as chain:
        clean = kills.prepare(folder, chain)
        made = list(kills.drill(folder, chain, clean, KILLS, SEED))
    wrong = [kill for kill in made if kill.problems]
    worst = max(kill.recovery for kill in made)
    say(
        f"kill -9: {len(made)} kills over the {clean.seconds:.1f} s of a run, seed {SEED}, {len(wrong)} with "
        f"something lost, doubled or unsigned, worst replay {worst:.2f} s, {time.monotonic() - begun:.0f} s"
    )
    assert wrong == []
    assert worst < RECOVERY_SECONDS


def test_two_hundred_changed_bytes_are_named(folder: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    home = tampering.make_home(folder, monkeypatch)
    clean = list(tampering.found_in(tampering.copied(home)))
    changes, empty = tampering.change_bytes(home, BYTES, SEED)
    missed = [change for change in changes if not change.named]
    areas = Counter(change.area for change in changes)
    say(
        f"tampering: {len(changes)} changed bytes ({', '.join(f'{n} {area}' for area, n in areas.items())}), "
        f"seed {SEED}, {len(missed)} missed; {empty} more bytes of registry.db held nothing; "
        f"{time.monotonic() - begun:.0f} s"
    )
    assert clean == []
    assert missed == []


@pytest.mark.spark
@pytest.mark.skipif(not in_own_namespace(), reason="this machine lets nobody mount, not even in a namespace")
def test_a_machine_that_misbehaves_is_said_and_the_work_goes_on(folder: Path, say: Say) -> None:
    ended = subprocess.run(
        [*in_own_namespace(), sys.executable, "-m", "tests.drills.faults", str(folder), "full"],
        env={**os.environ, MOUNTING: "1"},
        cwd=kills.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    outcomes = json.loads(ended.stdout)
    for one in outcomes:
        found = f"{one['broken']}: {'caught' if one['problems'] else 'MISSED'}" if one["broken"] else "whole"
        say(f"{one['drill']}, {found}, {len(one['problems'])} problems, {one['seconds']:.0f} s")
    assert [one for one in outcomes if bool(one["problems"]) != bool(one["broken"])] == []
    assert ended.returncode == 0


@pytest.mark.spark
@pytest.mark.airflow
def test_of_two_demos_at_once_one_says_that_the_other_runs(tmp_path: Path, say: Say) -> None:
    begun = time.monotonic()
    problems = list(two_demos.drill(tmp_path))
    say(f"two demos: {len(problems)} problems, {time.monotonic() - begun:.0f} s")
    assert problems == []


@pytest.mark.spark
@pytest.mark.airflow
def test_without_the_lock_two_demos_are_noticed(tmp_path: Path) -> None:
    assert next(two_demos.drill(tmp_path, two_demos.UNLOCKED), None) is not None


@pytest.mark.spark
@pytest.mark.airflow
def test_a_run_whose_scheduler_was_killed_ends_after_the_next_start(folder: Path, say: Say) -> None:
    begun = time.monotonic()
    problems = list(airflow_killed.drill(folder, free_port()))
    say(f"scheduler and workers killed: {len(problems)} problems, {time.monotonic() - begun:.0f} s")
    assert problems == []


@pytest.mark.spark
@pytest.mark.airflow
def test_a_task_that_nobody_holds_dead_never_ends(folder: Path) -> None:
    """The broken variant waits for a worker that was killed as if it were still at work."""
    found = airflow_killed.drill(folder, free_port(), airflow_killed.UNNOTICED, patience=150)
    with closing(found):
        assert "the run has not ended" in next(found, "")
