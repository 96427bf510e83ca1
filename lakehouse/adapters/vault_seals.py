"""A keyed sum over the rows of each table of the vault: rows changed behind our back are found.

Whoever writes does it through `SealedRows`, which adds the MAC of every row that comes to the table's sum and
takes that of every row that goes away. No MAC of a row is stored. A sum is made anew only where the old one
holds.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, insert, select, update

from lakehouse.adapters.many_rows import ROWS_AT_ONCE, insert_rows
from lakehouse.adapters.row_macs import MODULUS, row_mac, row_macs
from lakehouse.adapters.vault_schema import METADATA, SEALS
from lakehouse.errors import Damaged

SEALED = tuple(table for table in METADATA.sorted_tables if table is not SEALS)


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

    def add(self, table: Table, rows: Sequence[Sequence[object]]) -> None:
        """Insert rows, each with a value for every column of the table, in the table's order."""
        insert_rows(self._connection, table, rows)
        self._count(table, rows, 1)

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

    def begin_table(self, table: Table) -> None:
        """Make a table that is not there, and seal it empty."""
        table.create(self._connection)
        begin_seals(self._connection, self._key, [table])

    def end_table(self, table: Table, place: str) -> None:
        """Drop a table and its seal; Damaged where a row of it is not as we wrote it."""
        if not _is_whole(self._connection, self._key, table):
            raise self._forged(f"a row of {table.name}", place)
        table.drop(self._connection)
        self._connection.execute(delete(SEALS).where(SEALS.c.name == table.name))

    def reseal(self, place: str) -> None:
        """Write the sums as they stand after this transaction.

        Damaged where an old one does not hold; `place` is the vault to restore.
        """
        for name, change in self._tables.items():
            seal = _seal_of(self._connection, name)
            if seal is None or not _holds(self._key, name, seal):
                raise self._forged(f"the seal of {name}", place)
            changed = _seal(self._key, name, seal[0] + change.rows, int(seal[1], 16) + change.total)
            self._connection.execute(update(SEALS).where(SEALS.c.name == name).values(**changed))
        self._tables.clear()

    def _count(self, table: Table, rows: Sequence[Sequence[object]], step: int) -> None:
        if rows:
            change = self._tables.setdefault(table.name, _Change())
            change.rows += step * len(rows)
            change.total += step * _sum_of(self._key, table.name, rows)
            self.changed = True

    def _forged(self, what: str, place: str) -> Damaged:
        return Damaged(
            f"{what} in the vault was changed by somebody else",
            remedy=f"livinglab fsck; restore {place} from its backup",
        )


def begin_seals(connection: Connection, key: bytes, tables: Iterable[Table] = SEALED) -> None:
    """Seal those of the tables that are empty and have no seal."""
    for table in tables:
        empty = connection.scalar(select(func.count()).select_from(table)) == 0
        if empty and _seal_of(connection, table.name) is None:
            connection.execute(insert(SEALS).values(**_seal(key, table.name, 0, 0)))


def broken_seals(connection: Connection, key: bytes, tables: Iterable[Table] = SEALED) -> Iterator[str]:
    """Yield the tables whose rows are not those that we wrote."""
    return (table.name for table in tables if not _is_whole(connection, key, table))


def _is_whole(connection: Connection, key: bytes, table: Table) -> bool:
    count = total = 0
    for rows in _portions(connection, table):
        count += len(rows)
        total += _sum_of(key, table.name, rows)
    made = _seal(key, table.name, count, total)
    return _seal_of(connection, table.name) == (made["rows"], made["total"], made["mac"])


def _portions(connection: Connection, table: Table) -> Iterator[Sequence[Row[*tuple[object, ...]]]]:
    rows = connection.execute(select(table), execution_options={"yield_per": ROWS_AT_ONCE})
    return rows.partitions()


def _sum_of(key: bytes, table: str, rows: Sequence[Sequence[object]]) -> int:
    total = 0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        named = {str(place): list(map(itemgetter(place), part)) for place in range(len(part[0]))}
        total += sum(int.from_bytes(mac, "big") for mac in row_macs(key, table, named))
    return total


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
