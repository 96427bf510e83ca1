"""A process may die between any two steps of a write: nothing is lost, nothing is doubled."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_inputs import ANNA, BERT, CARL, write_people

from lakehouse.adapters.delta_log import newest_version, table_files
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.tile_log import TileLog
from lakehouse.errors import Damaged
from lakehouse.pipeline import committing, signing, writing
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site

pytestmark = pytest.mark.spark


class Killed(BaseException):
    """What stands for kill -9: no handler of ours may catch it."""


def die(*_arguments: object, **_named: object) -> None:
    raise Killed


def die_at_second_call(original: Callable[..., object]) -> Callable[..., object]:
    calls = []

    def once(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise Killed
        return original(*arguments, **named)

    return once


STEPS = {
    "intent written, nothing committed": (writing, "commit_staged", lambda original: die),
    "one of two tables committed": (DeltaLake, "commit", die_at_second_call),
    "committed, no leaf": (committing, "sign_intent", lambda original: die),
    "digests made, no leaf": (signing, "log_transaction", lambda original: die),
    "leaf in the registry, not in the tiles": (TileLog, "extend", lambda original: die),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_landing_goes_on(
    step: str, open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_home()
    people = write_people(tmp_path / "demographics.txt", [ANNA, BERT, ("Juc010", *BERT[1:])])
    place, name, broken = STEPS[step]
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(place, name, broken(getattr(place, name)))
        land(site, "gait_people", [people])
    recover(site, with_spark=False)
    result = land(site, "gait_people", [people])
    assert (result.received, result.accepted, result.rows) == (3, 2, 2)
    assert newest_version(site.lake.folder_of("bronze.gait_people")) == 0
    assert newest_version(site.lake.folder_of("bronze.gait_people__quarantine")) == 0
    assert site.log.size() == 2
    assert fsck(site, lambda _said: None).findings == ()


def test_orphans_of_a_killed_commit_are_removed(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_home()
    people = write_people(tmp_path / "demographics.txt", [ANNA])
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(writing, "commit_staged", die)
        land(site, "gait_people", [people])
    folder = site.lake.folder_of("bronze.gait_people")
    folder.mkdir(parents=True)
    (folder / "part-00000-of-a-killed-write.parquet").write_bytes(b"half")
    assert recover(site).orphans == 1
    assert table_files(folder) == set()
    assert list(site.home.place("work").iterdir()) == []


def test_without_the_intent_a_killed_commit_would_stay_unsigned(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control: fsck names a Delta version whose intent is gone from the outbox."""
    site = open_home()
    people = write_people(tmp_path / "demographics.txt", [ANNA])
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(committing, "sign_intent", die)
        land(site, "gait_people", [people])
    with site.registry.transaction() as tx:
        tx.drop("intents")
    assert fsck(site, lambda _said: None).findings != ()


def test_an_older_copy_of_the_vault_stops_all_writing(open_home: Callable[..., Site], tmp_path: Path) -> None:
    site = open_home()
    land(site, "gait_people", [write_people(tmp_path / "a.txt", [ANNA])])
    older = site.home.place("vault.db").read_bytes()
    land(site, "gait_people", [write_people(tmp_path / "b.txt", [BERT])])
    for name in ("vault.db-wal", "vault.db-shm"):
        site.home.place(name).unlink(missing_ok=True)
    site.home.place("vault.db").write_bytes(older)
    with pytest.raises(Damaged, match="older copy"):
        land(site, "gait_people", [write_people(tmp_path / "c.txt", [CARL])])
