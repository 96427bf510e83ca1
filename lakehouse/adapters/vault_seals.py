"""A keyed sum over the rows of each table of the vault: rows changed behind our back are found.

While we write, temporary triggers hand every row that comes or goes to Python, which adds its MAC to the
table's sum or takes it away. No MAC of a row is stored. A sum is made anew only where the old one holds.
"""

import hmac
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, insert, select, text, update

from lakehouse.adapters.sql_registry import MODULUS, row_mac
from lakehouse.adapters.vault_schema import METADATA, SEALS
from lakehouse.errors import Damaged

SEALED = tuple(table for table in METADATA.sorted_tables if table is not SEALS)
SINK = "livinglab_row"


@dataclass(slots=True)
class _Change:
    """What one transaction did to a table: rows more, and what its sum grew by."""

    rows: int = 0
    total: int = 0


@dataclass(slots=True)
class RowChanges:
    """The rows that one writing connection added and took away."""

    key: bytes
    tables: dict[str, _Change] = field(default_factory=dict)

    def watch(self, connection: Connection) -> None:
        """See every row that this connection writes from now on."""
        link = connection.connection.driver_connection
        if not isinstance(link, sqlite3.Connection):
            raise TypeError("the vault is kept by SQLite")
        link.create_function(SINK, -1, self._take)
        for table in SEALED:
            for event, signs in (("INSERT", "+"), ("DELETE", "-"), ("UPDATE", "-+")):
                link.execute(_trigger(table, event, signs))

    def reseal(self, connection: Connection) -> None:
        """Write the sums as they stand after this transaction; Damaged where an old one does not hold."""
        for name, change in self.tables.items():
            seal = _seal_of(connection, name)
            if seal is None or not _holds(self.key, name, seal):
                raise Damaged(
                    f"the seal of {name} in the vault was changed by somebody else",
                    remedy="livinglab fsck; restore vault.db from its backup",
                )
            changed = _seal(self.key, name, seal[0] + change.rows, int(seal[1], 16) + change.total)
            connection.execute(update(SEALS).where(SEALS.c.name == name).values(**changed))
        self.tables.clear()

    def _take(self, sign: str, table: str, *values: object) -> None:
        change = self.tables.setdefault(table, _Change())
        step = 1 if sign == "+" else -1
        change.rows += step
        change.total += step * _number(self.key, table, values)


def begin_seals(connection: Connection, key: bytes) -> None:
    """Seal the tables that are empty and have no seal."""
    for table in SEALED:
        empty = connection.scalar(text(f"SELECT count(*) FROM {table.name}")) == 0
        if empty and _seal_of(connection, table.name) is None:
            connection.execute(insert(SEALS).values(**_seal(key, table.name, 0, 0)))


def broken_seals(connection: Connection, key: bytes) -> Iterator[str]:
    """Yield the tables whose rows are not those that we wrote."""
    for table in SEALED:
        rows = connection.execute(text(f"SELECT {_names(table)} FROM {table.name}")).all()
        total = sum(_number(key, table.name, tuple(row)) for row in rows)
        made = _seal(key, table.name, len(rows), total)
        if _seal_of(connection, table.name) != (made["rows"], made["total"], made["mac"]):
            yield table.name


def _trigger(table: Table, event: str, signs: str) -> str:
    calls = ";".join(
        f"SELECT {SINK}('{sign}', '{table.name}', {_names(table, 'NEW.' if sign == '+' else 'OLD.')})"
        for sign in signs
    )
    return (
        f"CREATE TEMP TRIGGER seal_{event}_{table.name} AFTER {event} ON main.{table.name} BEGIN {calls}; END"
    )


def _names(table: Table, prefix: str = "") -> str:
    return ", ".join(f"{prefix}{column.name}" for column in table.columns)


def _number(key: bytes, table: str, values: tuple[object, ...]) -> int:
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
