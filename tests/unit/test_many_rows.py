"""What is said to the driver for many rows gives the same in SQLite and PostgreSQL, in any portions."""

from collections.abc import Callable

import pytest
from sqlalchemy import Column, MetaData, Table

from lakehouse.adapters import many_rows
from lakehouse.adapters.column_types import BYTES, TEXT, WHOLE
from lakehouse.adapters.many_rows import ROWS_A_STATEMENT, insert_rows, next_numbers, rows_among
from lakehouse.adapters.sql_registry import TABLES
from lakehouse.adapters.vault_schema import METADATA as VAULT
from lakehouse.ports import Store
from tests.kept_stores import KeptStore

METADATA = MetaData()
THINGS = Table(
    "things",
    METADATA,
    Column("number", WHOLE, primary_key=True, autoincrement=True),
    Column("order", TEXT),
    Column("blob", BYTES),
    sqlite_autoincrement=True,
)
ROWS = [(1, "é", b"\x00%s?"), (2, "", b""), (3, None, None), (5, "é", b"\xff")]


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("things.db", "the things", THINGS.name)


@pytest.fixture
def store(kept: KeptStore) -> Store:
    """A table of four things, whose name of one column is a word of SQL."""
    with kept.store.creating() as connection:
        METADATA.create_all(connection)
        insert_rows(connection, THINGS, ROWS)
        insert_rows(connection, THINGS, [])
    return kept.store


@pytest.mark.parametrize("at_once", [1, 2, 3, 10_000])
def test_rows_are_found_whatever_portions_are_asked_for(store, monkeypatch, at_once):
    """The last portion is a smaller one, or there is one only, or none."""
    monkeypatch.setattr(many_rows, "ROWS_AT_ONCE", at_once)
    number, order, blob = THINGS.columns
    blobs = [b"\xff", b"\x00%s?"]
    with store.reading() as connection:
        found = list(rows_among(connection, (number, order, blob), number, [5, 1, 2, 3, 4]))
        assert sorted(found) == ROWS
        assert list(rows_among(connection, (number,), number, [])) == []
        assert list(rows_among(connection, (number,), blob, blobs, order="é", number=5)) == [(5,)]
        assert sorted(rows_among(connection, (number,), order, ["é", "", "e"])) == [(1,), (2,), (5,)]


@pytest.mark.parametrize("count", [9, 10, 11, 25])
def test_rows_inserted_many_at_once_are_those_inserted_one_by_one(store, monkeypatch, count):
    """Whole statements, the rest behind them, and values that are missing in some rows."""
    monkeypatch.setattr(many_rows, "ROWS_A_STATEMENT", 10)
    rows = [(10 + n, "é" * (n % 3), None if n % 7 else bytes([n])) for n in range(count)]
    with store.writing() as connection:
        insert_rows(connection, THINGS, rows)
        found = list(rows_among(connection, tuple(THINGS.columns), THINGS.c.number, range(10, 10 + count)))
    assert sorted(found) == rows


def test_a_row_of_another_length_is_not_spread_over_its_neighbours(store):
    """Two values and four are six: as one statement they would be two rows of three."""
    rows = [(10, "a"), (11, "b", None, 12)] * (ROWS_A_STATEMENT // 2)
    with store.writing() as connection, pytest.raises(ValueError, match="things has not 3 values"):
        insert_rows(connection, THINGS, rows)
    with store.reading() as connection:
        assert list(rows_among(connection, (THINGS.c.number,), THINGS.c.number, [10, 11, 12])) == []


def test_numbers_go_on_after_the_largest_there_ever_was(store, kept):
    """After rows that were numbered by hand in SQLite, after those that were deleted in both."""
    if store.kind == "postgresql":
        kept.execute("SELECT setval('things_number_seq', 5)")
    with store.writing() as connection:
        assert list(next_numbers(connection, THINGS, 2)) == [6, 7]
        insert_rows(connection, THINGS, [(6, None, None), (7, None, None)])
    kept.execute("DELETE FROM things")
    with store.writing() as connection:
        assert list(next_numbers(connection, THINGS, 1)) == [8]
        assert list(next_numbers(connection, THINGS, 0)) == []


def test_a_statement_of_many_rows_has_no_more_values_than_sqlite_takes():
    """32,766 parameters (https://sqlite.org/limits.html): the widest table of ours fits."""
    widest = max(len(table.columns) for table in (*TABLES.values(), *VAULT.tables.values()))
    assert widest * ROWS_A_STATEMENT <= 32_766
