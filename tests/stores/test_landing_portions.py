"""A large landing goes through private files in portions: the same version, and nothing stays behind."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_inputs import ANNA, write_people
from test_crashes import Killed, die

from lakehouse.adapters import private_folders, spooled_rows
from lakehouse.adapters.private_folders import clear_abandoned, private_folder
from lakehouse.pipeline import committing, intents, landing_batch, landing_rows, recovery
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version

pytestmark = pytest.mark.spark

KILLED_LANDING = """
import os, signal, sys
from pathlib import Path
from lakehouse.pipeline.land import land
from lakehouse.pipeline.landing_rows import LandedRows
from lakehouse.sites import open_site

LandedRows.counts = lambda self: os.kill(os.getpid(), signal.SIGKILL)
land(open_site(None, Path(sys.argv[1]), None, create=True), "gait_people", [Path(sys.argv[2])])
"""
KILLED_SIGNING = """
import os, signal, sys
from pathlib import Path
from lakehouse.adapters import spooled_rows

spooled_rows.PORTION_ROWS = 2
for portion in spooled_rows.SpooledRows(path=Path(sys.argv[1])).by_person():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(script: str, *arguments: Path) -> None:
    """Run a script that kills itself with SIGKILL, after which no handler of ours runs."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr[-2000:]


def write_many(path: Path) -> Path:
    """Forty people of five lines each; every tenth line has a wrong identifier, some stand twice."""
    lines = []
    for number in range(200):
        name = f"Juc{number % 40:03}" if number % 10 == 0 else f"GaPt{number % 40:02}"
        lines.append((name, *ANNA[1:5], str(40 + number % 41), *ANNA[6:]))
    return write_people(path, lines)


def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (spooled_rows, intents, landing_batch, landing_rows):
        monkeypatch.setattr(module, "PORTION_ROWS", 8)


def landed_facts(site: Site) -> tuple[object, ...]:
    """What was landed, without what is random in a home."""
    version = current_version(site, "bronze.gait_people")
    assert version is not None
    aside = [(row["file"], row["row"], row["reason"]) for row in quarantined_rows(site, "gait_people")]
    rows = site.lake.read(version.table, version.version, ["batch", "file", "row", "age"])
    return version.rows, sorted(aside, key=str), sorted(rows.to_pylist(), key=str)


def test_small_portions_make_the_same_version(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsck makes the content digest from the whole table; pseudonyms are random, so two homes' differ."""
    people = write_many(tmp_path / "demographics.txt")
    whole = open_home("whole")
    usual = land(whole, "gait_people", [people])
    in_portions = open_home("portions")
    with monkeypatch.context() as patch:
        small_portions(patch)
        small = land(in_portions, "gait_people", [people])
    assert (small.received, small.accepted, small.quarantined) == (
        usual.received,
        usual.accepted,
        usual.quarantined,
    )
    assert (small.reasons, small.subjects) == (usual.reasons, usual.subjects)
    assert landed_facts(in_portions) == landed_facts(whole)
    assert fsck(in_portions, lambda _said: None).findings == ()
    assert list(in_portions.lake.work.iterdir()) == []


def test_a_replay_in_portions_gives_the_digest_of_the_whole(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_home()
    people = write_many(tmp_path / "demographics.txt")
    small_portions(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(committing, "sign_intent", die)
        land(site, "gait_people", [people])
    assert recover(site).finished == 1
    assert fsck(site, lambda _said: None).findings == ()
    assert list(site.lake.work.iterdir()) == []


def test_rows_of_a_killed_landing_are_gone_at_the_next_start(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant, a start that clears nothing, leaves them."""
    people = write_people(tmp_path / "demographics.txt", [ANNA])
    killed(KILLED_LANDING, tmp_path / "home", people)
    work = tmp_path / "home" / "work"
    with monkeypatch.context() as patch:
        patch.setattr(recovery, "clear_abandoned", lambda _parent: 0)
        open_home()
        assert list(work.rglob("*.parquet"))
    site = open_home()
    assert list(work.iterdir()) == []
    assert land(site, "gait_people", [people]).accepted == 1


def test_parts_of_a_killed_signing_are_gone_at_the_next_start(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_home()
    people = write_many(tmp_path / "demographics.txt")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(committing, "sign_intent", die)
        land(site, "gait_people", [people])
    (staged,) = site.lake.work.glob("*-0.parquet")
    killed(KILLED_SIGNING, staged)
    assert list(site.lake.work.rglob("*.arrow"))
    recover(site)
    assert list(site.lake.work.iterdir()) == []


def test_staged_rows_of_a_signed_write_are_gone_at_the_next_start(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the leaf and the tidying up."""
    site = open_home()
    people = write_people(tmp_path / "demographics.txt", [ANNA])
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(committing, "drop_staged", die)
        land(site, "gait_people", [people])
    assert len(list(site.lake.work.glob("*.parquet"))) == 1
    assert open_home().log.size() == 1
    assert list(site.lake.work.iterdir()) == []


def test_what_a_living_process_holds_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant asks for no lock and takes the folder from under its owner."""
    with private_folder(tmp_path) as folder:
        (folder / "rows").write_bytes(b"sealed")
        assert clear_abandoned(tmp_path) == 0 and folder.exists()
        monkeypatch.setattr(private_folders.fcntl, "flock", lambda *_arguments: None)
        assert clear_abandoned(tmp_path) == 1
        folder.mkdir()
