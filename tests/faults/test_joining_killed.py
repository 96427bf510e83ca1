"""An OPTIMIZE whose caller was killed while the Spark server goes on: its commit gets a leaf, once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.errors import Unavailable
from lakehouse.pipeline import optimise as optimising
from lakehouse.pipeline import recovery
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.optimise import optimise
from lakehouse.pipeline.recovery import recover, recover_tables
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import table_locks
from tests.drills.tampering import BRONZE, Killed, commit_without_spark, rows_of, write


def join_without_spark(self: DeltaLake, table: str) -> None:
    """Take the place of Spark's OPTIMIZE; a table of one file is left as it is."""
    DeltaTable(self.folder_of(table)).optimize.compact()


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home with a table of two files, whose engine is a server."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    monkeypatch.setattr(DeltaLake, "compact", join_without_spark)
    opened = open_home()
    people = list(opened.vault.subjects_for("drill", ["P0", "P1"]).values())
    for batch in (1, 2):
        write(opened, BRONZE, rows_of(people, batch), "append")
    opened.lake.engine = replace(opened.lake.engine, master="sc://localhost:15002")
    return opened


def kill_while_joining(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(optimising, "commit_staged", die)
        optimise(site, BRONZE)


def folder(site: Site) -> Path:
    return site.lake.folder_of(BRONZE)


def test_what_the_server_commits_later_is_signed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_while_joining(site, monkeypatch)
    recover(site, with_spark=False)
    join_without_spark(site.lake, BRONZE)
    assert recover(site, with_spark=False).finished == 1
    assert newest_version(folder(site)) == 2
    assert fsck(site, lambda _said: None).clean


def test_given_up_too_early_it_stays_without_a_leaf(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: the replay does not think of the server."""
    kill_while_joining(site, monkeypatch)
    monkeypatch.setattr(recovery, "_may_be_under_way", lambda *_arguments: False)
    recover(site, with_spark=False)
    join_without_spark(site.lake, BRONZE)
    recover(site, with_spark=False)
    assert not fsck(site, lambda _said: None).clean


def test_the_next_writer_joins_what_the_server_did_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_while_joining(site, monkeypatch)
    with table_locks(site, [BRONZE]):
        pass
    assert newest_version(folder(site)) == 2
    assert optimise(site, BRONZE).repeated
    assert fsck(site, lambda _said: None).clean


def test_a_replay_with_nothing_to_join_gives_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not optimise(site, BRONZE).repeated
    kill_while_joining(site, monkeypatch)
    assert recover(site).abandoned == 1
    assert fsck(site, lambda _said: None).clean


def test_a_writer_does_not_go_past_a_replay_that_cannot_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has gone while a killed write waits: the next write would mix its commit with that one."""

    def gone(*_arguments: object) -> None:
        raise Unavailable("the Spark server ended under the command")

    kill_while_joining(site, monkeypatch)
    monkeypatch.setattr(DeltaLake, "compact", gone)
    with pytest.raises(Unavailable, match="ended under the command"):
        recover_tables(site, [BRONZE])
