"""The vault's tables in their store: one writer at a time, every committed change counted and sealed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from lakehouse.adapters.vault_schema import COUNTER, METADATA
from lakehouse.adapters.vault_seals import SealedRows, begin_seals, broken_seals
from lakehouse.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultChange:
    """What a writer of the vault works with: `connection` to read, `rows` to write."""

    connection: Connection
    rows: SealedRows


class VaultDatabase:
    """Transactions on one vault; every committed change raises its counter and renews its seals.

    `row_key` returns the key of the seals, which lies outside the home.
    """

    def __init__(self, store: Store, row_key: Callable[[], bytes]) -> None:
        self.store = store
        self._row_key = row_key

    def create(self) -> None:
        """Make the place of the tables and whichever of them are missing."""
        with self.store.creating() as connection:
            METADATA.create_all(connection)
            begin_seals(connection, self._row_key())
            if connection.execute(select(COUNTER)).first() is None:
                rows = SealedRows(connection, self._row_key())
                rows.add(COUNTER, [{"value": 0}])
                rows.reseal(self.store.place)

    def broken_seals(self) -> tuple[str, ...]:
        """Return the tables in which a row was added, changed or taken away, and what is not ours."""
        with self.reading() as connection:
            broken = broken_seals(connection, self._row_key())
            return (*broken, *self.store.foreign_objects(connection, METADATA))

    def reading(self) -> AbstractContextManager[Connection]:
        """Yield a connection that sees one state of the vault."""
        return self.store.reading()

    @contextmanager
    def changing(self) -> Iterator[VaultChange]:
        """Yield the only writer; commits at the end and counts the change, rolls back on an error."""
        with self.store.writing() as connection:
            rows = SealedRows(connection, self._row_key())
            yield VaultChange(connection=connection, rows=rows)
            if rows.changed:
                rows.change(COUNTER, value=COUNTER.c.value + 1)
            rows.reseal(self.store.place)
