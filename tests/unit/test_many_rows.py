"""What is said to the driver for many rows gives the same in SQLite and PostgreSQL, in any portions."""

from collections.abc import Callable

import pytest
from sqlalchemy import Column, MetaData, Table

from lakehouse.adapters import many_rows
from lakehouse.adapters.column_types import BYTES, TEXT, WHOLE
from lakehouse.adapters.many_rows import insert_rows, next_numbers, rows_among
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
