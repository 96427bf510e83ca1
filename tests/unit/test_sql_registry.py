"""registry.db says what was written into it, and says so when somebody else wrote."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from lakehouse.adapters.sql_registry import ROWS_AT_ONCE, SEALS, SqlRegistry, Transaction
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.errors import Damaged
from tests.kept_stores import KeptStore

KEY = b"k" * 32


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("registry.db", "the registry", SEALS)


@pytest.fixture
def registry(kept: KeptStore) -> SqlRegistry:
    made = SqlRegistry(kept.store, KEY)
    made.create()
    with made.transaction() as tx:
        for number in range(3):
            tx.add("charges", charge_id=str(number), population="gait", micro_epsilon=500_000)
    return made


def test_rows_come_back_as_written(registry: SqlRegistry) -> None:
    with registry.transaction() as tx:
        tx.add("batches", dataset="ehr", batch=1, reasons={"empty_line": 2})
        tx.change("charges", {"charge_id": "1"}, purpose="research")
    with registry.reading() as tx:
        assert tx.one("batches", dataset="ehr", batch=1)["reasons"] == {"empty_line": 2}
        assert [row["purpose"] for row in tx.many("charges")] == [None, "research", None]
        assert [row["charge_id"] for row in tx.many("charges", newest=2)] == ["1", "2"]
        assert tx.largest("batches", "batch") == 1
    assert registry.check() == []


def test_an_error_leaves_nothing_behind(registry: SqlRegistry) -> None:
    with pytest.raises(ZeroDivisionError), registry.transaction() as tx:
        tx.drop("charges")
        tx.add("charges", charge_id=str(1 // 0))
    with registry.reading() as tx:
        assert tx.count("charges") == 3
    assert registry.check() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE charges SET micro_epsilon = 1 WHERE charge_id = '1'",
        "UPDATE charges SET mac = 'ff' WHERE charge_id = '1'",
        "UPDATE charges SET population = NULL WHERE charge_id = '2'",
        "DELETE FROM charges WHERE charge_id = '0'",
        "DELETE FROM charges",
        "INSERT INTO charges SELECT '9', population, purpose, actor, measure, question_digest, created_at, "
        "micro_epsilon, mac FROM charges WHERE charge_id = '0'",
        "UPDATE table_seals SET rows = 9 WHERE name = 'charges'",
        "DELETE FROM table_seals WHERE name = 'charges'",
    ],
)
def test_a_change_by_somebody_else_is_found(registry: SqlRegistry, kept: KeptStore, statement: str) -> None:
    kept.execute(statement)
    assert {table for table, _, _ in registry.check()} == {"charges"}


def test_without_the_table_sum_a_deleted_row_would_go_unseen(registry: SqlRegistry, kept: KeptStore) -> None:
    """The positive control: row MACs alone do not see that a row is gone."""
    kept.execute("DELETE FROM charges WHERE charge_id = '0'")
    assert [problem for _, _, problem in registry.check() if problem == "row was changed"] == []


def test_our_next_change_does_not_sign_what_somebody_else_wrote(
    registry: SqlRegistry, kept: KeptStore
) -> None:
    """A row made anew from a forged one would bear a MAC that holds, and fit the sum."""
    kept.execute("UPDATE charges SET micro_epsilon = 1 WHERE charge_id = '1'")
    for act in (
        lambda tx: tx.change("charges", {"charge_id": "1"}, purpose="research"),
        lambda tx: tx.drop("charges", charge_id="1"),
        lambda tx: tx.one("charges", charge_id="1"),
        lambda tx: tx.many("charges", newest=2),
    ):
        with pytest.raises(Damaged, match="changed by somebody else"), registry.transaction() as tx:
            act(tx)
    with registry.reading(believed=False) as tx:
        assert tx.one("charges", charge_id="1")["micro_epsilon"] == 1
    assert registry.check() != []


def test_our_next_row_does_not_sign_a_sum_that_somebody_else_made(
    registry: SqlRegistry, kept: KeptStore
) -> None:
    """MACs are readable, so whoever takes a charge back can make the sum that fits; only its MAC is ours."""
    ((mac,),) = kept.execute("SELECT mac FROM charges WHERE charge_id = '0'")
    ((total,),) = kept.execute("SELECT total FROM table_seals WHERE name = 'charges'")
    fitting = f"{(int(total, 16) - int(mac, 16)) % (1 << 256):x}"
    kept.execute("DELETE FROM charges WHERE charge_id = '0'")
    kept.execute("UPDATE table_seals SET rows = 2, total = ? WHERE name = 'charges'", [fitting])
    with pytest.raises(Damaged, match="seal of charges"), registry.transaction() as tx:
        tx.add("charges", charge_id="3")
    assert registry.check() != []


TRIGGERS = {
    "sqlite": "CREATE TRIGGER t BEFORE INSERT ON charges BEGIN SELECT RAISE(IGNORE); END",
    "postgresql": "CREATE TRIGGER t BEFORE UPDATE ON charges FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
}


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (None, "trigger t"),
        ("CREATE TABLE kept (name TEXT)", "table kept"),
        ("CREATE VIEW seen AS SELECT * FROM charges", "view seen"),
    ],
)
def test_what_is_not_ours_is_found_before_it_acts(
    registry: SqlRegistry, kept: KeptStore, statement: str | None, name: str
) -> None:
    """A trigger could drop a charge on its way in: the answer would be given, and cost nothing."""
    kept.execute(statement or TRIGGERS[kept.store.kind])
    assert (name, "", "is not one of ours") in registry.check()


def test_a_damaged_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Damaged), SqlRegistry(SqliteStore(path, "the registry"), KEY).reading() as tx:
        tx.count("charges")


def test_a_key_of_another_site_fits_no_row(registry: SqlRegistry) -> None:
    stranger = SqlRegistry(registry.store, b"x" * 32)
    assert len(stranger.check()) >= 3
    with pytest.raises(Damaged, match="another home"):
        stranger.create()


@pytest.mark.parametrize("ends", [True, False])
def test_tables_change_with_their_rows_or_not_at_all(registry: SqlRegistry, ends: bool) -> None:
    """Made, filled, dropped in one transaction: after an error rows, tables and seals are those before."""
    old, new, rows = ("leaf_shards",), ("content_leaves",), ROWS_AT_ONCE + 10

    def carry(tx: Transaction) -> None:
        for row in tx.each("leaf_shards"):
            tx.add("content_leaves", table_name=row["table_name"], pseudonym=row["shard"])
        if not ends:
            raise ZeroDivisionError

    with registry.transaction() as tx:
        tx.add_all("leaf_shards", ({"table_name": "t", "shard": str(n), "leaves": {}} for n in range(rows)))
    with nullcontext() if ends else pytest.raises(ZeroDivisionError):
        registry.change_tables(new, old, carry)
    standing = new if ends else old
    assert registry.check([*standing, "charges"]) == []
    assert registry.tables().intersection(old + new) == set(standing)
    with registry.reading() as tx:
        assert tx.count(*standing) == rows
