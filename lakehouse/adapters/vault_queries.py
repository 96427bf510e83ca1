"""What is asked of the vault's tables more than once."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Row, select

from lakehouse.adapters.vault_database import VaultChange
from lakehouse.adapters.vault_schema import ALIASES, IDENTIFIERS, KEYS, SUBJECTS

QUERY_CHUNK = 10_000
"""Parameters a query; SQLite allows 32,766, PostgreSQL 65,535."""
OWN = "own:"
"""Begins the kinds of values that one person alone may state: kept to compare, not to redact."""


def rows_where(connection: Connection, column: Column[Any], values: Iterable[object]) -> Iterator[Row[Any]]:
    """Yield the rows of `column`'s table whose value is among `values`, a chunk a query."""
    wanted = list(values)
    for start in range(0, len(wanted), QUERY_CHUNK):
        yield from connection.execute(
            select(column.table).where(column.in_(wanted[start : start + QUERY_CHUNK]))
        )


def key_row(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of a key, or None; a destroyed key has a row whose `wrapped` is null."""
    return connection.execute(select(KEYS).where(KEYS.c.name == name)).first()


def canonical_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Return the oldest pseudonym of each subject; one without aliases is its own."""
    wanted = set(pseudonyms)
    elder = {row.alias: row.canonical for row in rows_where(connection, ALIASES.c.alias, wanted)}
    return {pseudonym: elder.get(pseudonym, pseudonym) for pseudonym in wanted}


def families_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, set[str]]:
    """Return every pseudonym of the person whom each of these names."""
    canonical = canonical_of(connection, pseudonyms)
    families = {name: {name} for name in canonical.values()}
    for row in rows_where(connection, ALIASES.c.canonical, families):
        families[row.canonical].add(row.alias)
    return {name: families[oldest] for name, oldest in canonical.items()}


def known_identifiers(connection: Connection, pseudonyms: Iterable[str]) -> Iterator[Row[Any]]:
    """Yield what identifies these pseudonyms in free text."""
    found = rows_where(connection, IDENTIFIERS.c.pseudonym, pseudonyms)
    return (row for row in found if not row.kind.startswith(OWN))


def merge_subjects(change: VaultChange, one: str, other: str) -> None:
    """Make the younger of two canonical subjects, and all its aliases, aliases of the older."""
    pair = SUBJECTS.c.pseudonym.in_([one, other])
    ordered = select(SUBJECTS.c.pseudonym).where(pair).order_by(SUBJECTS.c.ordinal)
    older, younger = change.connection.scalars(ordered)
    change.rows.change(ALIASES, ALIASES.c.canonical == younger, canonical=older)
    change.rows.add(ALIASES, [{"alias": younger, "canonical": older}])
