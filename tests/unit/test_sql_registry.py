"""registry.db says what was written into it, and says so when somebody else wrote."""

import sqlite3
from pathlib import Path

import pytest

from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.errors import Damaged

KEY = b"k" * 32


@pytest.fixture
def registry(tmp_path: Path) -> SqlRegistry:
    made = SqlRegistry(tmp_path / "registry.db", KEY)
    made.create()
    with made.transaction() as tx:
        for number in range(3):
            tx.add("charges", charge_id=str(number), population="gait", micro_epsilon=500_000)
    return made


def behind_its_back(registry: SqlRegistry, statement: str) -> None:
    with sqlite3.connect(registry.path) as link:
        link.execute(statement)


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
def test_a_change_by_somebody_else_is_found(registry: SqlRegistry, statement: str) -> None:
    behind_its_back(registry, statement)
    assert {table for table, _, _ in registry.check()} == {"charges"}


def test_without_the_table_sum_a_deleted_row_would_go_unseen(registry: SqlRegistry) -> None:
    """The positive control: row MACs alone do not see that a row is gone."""
    behind_its_back(registry, "DELETE FROM charges WHERE charge_id = '0'")
    assert [problem for _, _, problem in registry.check() if problem == "row was changed"] == []


def test_our_next_change_does_not_sign_what_somebody_else_wrote(registry: SqlRegistry) -> None:
    """A row made anew from a forged one would bear a MAC that holds, and fit the sum."""
    behind_its_back(registry, "UPDATE charges SET micro_epsilon = 1 WHERE charge_id = '1'")
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


def test_our_next_row_does_not_sign_a_sum_that_somebody_else_made(registry: SqlRegistry) -> None:
    """MACs are readable, so whoever takes a charge back can make the sum that fits; only its MAC is ours."""
    with sqlite3.connect(registry.path) as link:
        (mac,) = link.execute("SELECT mac FROM charges WHERE charge_id = '0'").fetchone()
        (total,) = link.execute("SELECT total FROM table_seals WHERE name = 'charges'").fetchone()
        fitting = f"{(int(total, 16) - int(mac, 16)) % (1 << 256):x}"
        link.execute("DELETE FROM charges WHERE charge_id = '0'")
        link.execute("UPDATE table_seals SET rows = 2, total = ? WHERE name = 'charges'", [fitting])
    with pytest.raises(Damaged, match="seal of charges"), registry.transaction() as tx:
        tx.add("charges", charge_id="3")
    assert registry.check() != []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE TRIGGER t BEFORE INSERT ON charges BEGIN SELECT RAISE(IGNORE); END", "trigger t"),
        ("CREATE TABLE kept (name TEXT)", "table kept"),
        ("CREATE VIEW seen AS SELECT * FROM charges", "view seen"),
    ],
)
def test_what_is_not_ours_is_found_before_it_acts(registry: SqlRegistry, statement: str, name: str) -> None:
    """A trigger could drop a charge on its way in: the answer would be given, and cost nothing."""
    behind_its_back(registry, statement)
    assert registry.check() == [(name, "", "is not one of ours")]


def test_a_damaged_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Damaged), SqlRegistry(path, KEY).reading() as tx:
        tx.count("charges")


def test_a_key_of_another_site_fits_no_row(registry: SqlRegistry) -> None:
    assert len(SqlRegistry(registry.path, b"x" * 32).check()) >= 3
