"""A keyed sum over the rows of each table of the vault: rows changed behind our back are found.

Whoever writes does it through `SealedRows`, which adds the MAC of every row that comes to the table's sum and
takes that of every row that goes away. No MAC of a row is stored. A sum is made anew only where the old one
holds.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lakehouse.adapters.row_macs import MODULUS, row_mac
from lakehouse.adapters.vault_schema import METADATA, SEALS
from lakehouse.errors import Damaged

SEALED = tuple(table for table in METADATA.sorted_tables if table is not SEALS)
INSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Each database has its own words for rows that are there already."""


@dataclass(slots=True)
class _Change:
    """What one transaction did to a table: rows more, and what its sum grew by."""

    rows: int = 0
    total: int = 0


class SealedRows:
    """The writes of one transaction, which only this object makes; `changed` says whether there were any."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._tables: dict[str, _Change] = {}
        self.changed = False

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]], *, once: bool = False) -> None:
        """Insert rows; with `once`, those that are there already stay as they are."""
        if not rows:
            return
        statement = insert(table)
        if once:
            statement = INSERTS[self._connection.dialect.name](table).on_conflict_do_nothing()
        self._count(table, self._connection.execute(statement.returning(*table.c), list(rows)).all(), 1)

    def change(self, table: Table, *where: ColumnElement[bool], **values: object) -> None:
        """Give the matching rows other values."""
        before = self._connection.execute(select(table).where(*where)).all()
        made = update(table).where(*where).values(**values).returning(*table.c)
        after = self._connection.execute(made).all()
        self._count(table, before, -1)
        self._count(table, after, 1)

    def drop(self, table: Table, *where: ColumnElement[bool]) -> None:
        """Delete the matching rows."""
        gone = self._connection.execute(delete(table).where(*where).returning(*table.c)).all()
        self._count(table, gone, -1)

    def reseal(self, place: str) -> None:
        """Write the sums as they stand after this transaction.

        Damaged where an old one does not hold; `place` is the vault to restore.
        """
        for name, change in self._tables.items():
            seal = _seal_of(self._connection, name)
            if seal is None or not _holds(self._key, name, seal):
                raise Damaged(
                    f"the seal of {name} in the vault was changed by somebody else",
                    remedy=f"livinglab fsck; restore {place} from its backup",
                )
            changed = _seal(self._key, name, seal[0] + change.rows, int(seal[1], 16) + change.total)
            self._connection.execute(update(SEALS).where(SEALS.c.name == name).values(**changed))
        self._tables.clear()

    def _count(self, table: Table, rows: Iterable[Sequence[object]], step: int) -> None:
        change = self._tables.setdefault(table.name, _Change())
        for row in rows:
            change.rows += step
            change.total += step * _number(self._key, table.name, row)
            self.changed = True


def begin_seals(connection: Connection, key: bytes) -> None:
    """Seal the tables that are empty and have no seal."""
    for table in SEALED:
        empty = connection.scalar(select(func.count()).select_from(table)) == 0
        if empty and _seal_of(connection, table.name) is None:
            connection.execute(SEALS.insert().values(**_seal(key, table.name, 0, 0)))


def broken_seals(connection: Connection, key: bytes) -> Iterator[str]:
    """Yield the tables whose rows are not those that we wrote."""
    for table in SEALED:
        count = total = 0
        for row in connection.execute(select(table)):
            count += 1
            total += _number(key, table.name, row)
        made = _seal(key, table.name, count, total)
        if _seal_of(connection, table.name) != (made["rows"], made["total"], made["mac"]):
            yield table.name


def _number(key: bytes, table: str, values: Sequence[object]) -> int:
    named = {str(place): value for place, value in enumerate(values)}
    return int(row_mac(key, table, named), 16)


def _seal(key: bytes, name: str, rows: int, total: int) -> dict[str, object]:
    said: dict[str, object] = {"name": name, "rows": rows, "total": f"{total % MODULUS:x}"}
    return {**said, "mac": row_mac(key, SEALS.name, said)}


def _seal_of(connection: Connection, name: str) -> tuple[int, str, str] | None:
    chosen = select(SEALS.c.rows, SEALS.c.total, SEALS.c.mac).where(SEALS.c.name == name)
    found = connection.execute(chosen).first()
    return None if found is None else (found.rows, found.total, found.mac)


def _holds(key: bytes, name: str, seal: tuple[int, str, str]) -> bool:
    rows, total, mac = seal
    made = row_mac(key, SEALS.name, {"name": name, "rows": rows, "total": total})
    return hmac.compare_digest(str(mac).encode(), made.encode())
