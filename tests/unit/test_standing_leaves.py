"""Leaves of people are kept in shards: a person more rewrites theirs, and nobody else's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from home_samples import BRONZE, bronze_rows, make_home

from lakehouse.adapters.sql_registry import SEALS, SqlRegistry, Transaction
from lakehouse.errors import Damaged
from lakehouse.pipeline import standing_leaves as shards
from lakehouse.pipeline.signing import recompute_content
from lakehouse.pipeline.standing_leaves import (
    content_root,
    intents_of,
    keep_leaves,
    leaves_of_others,
    standing_intents,
    standing_leaves,
)
from lakehouse.pipeline.versions import require_version
from lakehouse.pipeline.writing import write_tables
from tests.kept_stores import KeptStore

TABLE = "bronze.x"
FIRST = {"aa01": "01", "aa02": "02", "bb01": "03", "": "04"}


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("registry.db", "the registry", SEALS)


@pytest.fixture
def registry(kept: KeptStore) -> SqlRegistry:
    registry = SqlRegistry(kept.store, b"k" * 32)
    registry.create()
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "first", FIRST, replaces=False)
        keep_leaves(tx, "bronze.other", "first", {"aa01": "09"}, replaces=False)
    return registry


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The shards of which a MAC was made since."""
    seen: list[str] = []
    real = Transaction._require_ours

    def watch(tx: Transaction, table: str, rows: Any) -> None:
        seen.extend(row["shard"] for row in rows if table == shards.SHARDS)
        real(tx, table, rows)

    monkeypatch.setattr(Transaction, "_require_ours", watch)
    yield seen


def test_people_who_share_two_digits_share_a_row(registry: SqlRegistry) -> None:
    """Rows of nobody have a shard of their own; other tables have theirs."""
    with registry.reading() as tx:
        rows = {row["shard"]: row["leaves"] for row in tx.many(shards.SHARDS, table_name=TABLE)}
        assert standing_leaves(tx, TABLE) == FIRST
    assert rows == {
        "": {"first": {"": "04"}},
        "aa": {"first": {"aa01": "01", "aa02": "02"}},
        "bb": {"first": {"bb01": "03"}},
    }


def test_a_changed_person_stands_under_the_new_intent_alone(registry: SqlRegistry) -> None:
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "second", {"aa02": "12", "cc01": "13"}, replaces=False)
    with registry.reading() as tx:
        assert standing_leaves(tx, TABLE) == {**FIRST, "aa02": "12", "cc01": "13"}
        intents = standing_intents(tx, TABLE)
        assert standing_leaves(tx, "bronze.other") == {"aa01": "09"}
    assert {name for name, intent in intents.items() if intent == "second"} == {"aa02", "cc01"}
    assert registry.check() == []


def test_an_intent_that_nobody_stands_under_any_more_leaves_no_trace(registry: SqlRegistry) -> None:
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "second", {"bb01": "13"}, replaces=False)
    with registry.reading() as tx:
        row = tx.one(shards.SHARDS, table_name=TABLE, shard="bb")
    assert row is not None and row["leaves"] == {"second": {"bb01": "13"}}


def test_what_replaces_a_table_replaces_its_leaves(registry: SqlRegistry) -> None:
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "second", {"dd01": "05"}, replaces=True)
    with registry.reading() as tx:
        assert standing_leaves(tx, TABLE) == {"dd01": "05"}
        assert standing_leaves(tx, "bronze.other") == {"aa01": "09"}


def test_a_table_without_people_has_no_leaves(registry: SqlRegistry) -> None:
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "second", {}, replaces=True)
    with registry.reading() as tx:
        assert standing_leaves(tx, TABLE) == {}
    assert content_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_few_people_more_read_and_write_their_shards_only(registry: SqlRegistry, read: list[str]) -> None:
    """A table of a million people has 256 shards: who adds one person pays for one of them."""
    with registry.transaction() as tx:
        keep_leaves(tx, TABLE, "second", {"aa03": "05"}, replaces=False)
        assert intents_of(tx, TABLE, ["aa03", "aa01", "ab01"]) == {"aa01": "first", "aa03": "second"}
    assert set(read) == {"aa"}


def test_many_shards_are_written_in_groups(registry: SqlRegistry) -> None:
    """300 people in as many shards as there are, and again with other leaves: each has the last one."""
    people = {f"{number:04x}": f"{number:064x}" for number in range(0, 65536, 218)}
    for intent in ("second", "third"):
        with registry.transaction() as tx:
            keep_leaves(tx, TABLE, intent, people, replaces=intent == "second")
    with registry.reading() as tx:
        assert standing_leaves(tx, TABLE) == people
        assert set(standing_intents(tx, TABLE).values()) == {"third"}
        assert list(leaves_of_others(tx, TABLE, people)) == []


def test_a_shard_that_somebody_moved_is_found(kept: KeptStore, registry: SqlRegistry) -> None:
    """The MAC covers the shard's name and everybody in it."""
    kept.execute("UPDATE leaf_shards SET shard = 'cc' WHERE shard = 'bb'")
    with registry.reading() as tx, pytest.raises(Damaged):
        standing_leaves(tx, TABLE)


@pytest.mark.parametrize("broken", [False, True])
def test_a_leaf_that_stayed_beside_its_successor_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """Two people are written in turn; the broken variant keeps the first one's earlier leaf too."""
    site = make_home(tmp_path, monkeypatch)
    if broken:
        monkeypatch.setattr(shards, "_with_people", lambda shard, intent, changed: {**shard, intent: changed})
    for batch, name in ((3, "GaCo01"), (4, "GaPt02")):
        person = site.vault.subjects_for("gaitpdb", [name])[name]
        write_tables(site, verb="land", run_key=name, writes=[bronze_rows([person], batch)])
    newest = require_version(site, BRONZE)
    assert (recompute_content(site, newest) != newest.content_digest) is broken
