"""The vault's tables in their store: one writer at a time, every committed change counted and sealed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from lakehouse.adapters.former_cells import FORMER_METADATA, FORMER_SEALED, holds_former_cells
from lakehouse.adapters.vault_schema import COUNTER, METADATA
from lakehouse.adapters.vault_seals import SealedRows, begin_seals, broken_seals
from lakehouse.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultChange:
    """What a writer of the vault works with: `connection` to read, `rows` to write."""

    connection: Connection
    rows: SealedRows

    def is_first_since(self, counter: int | None) -> bool:
        """Say whether nothing was committed since a reader saw this counter: what it read holds still."""
        return counter is not None and counter == read_counter(self.connection)


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
                rows.add(COUNTER, [(0,)])
                rows.reseal(self.store.place)

    def broken_seals(self, *, former: bool = False) -> tuple[str, ...]:
        """Return the tables in which a row was added, changed or taken away, and what is not ours.

        `former`: the tables may be those of a format before 3, which `livinglab upgrade` finds.
        """
        with self.reading() as connection:
            foreign = self.store.foreign_objects(connection, METADATA)
            if not (former and holds_former_cells(connection)):
                return (*broken_seals(connection, self._row_key()), *foreign)
            added = self.store.foreign_objects(connection, FORMER_METADATA)
            broken = broken_seals(connection, self._row_key(), FORMER_SEALED)
            return (*broken, *(name for name in foreign if name in added))

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


def read_counter(connection: Connection) -> int | None:
    """Return how many changes were committed; None where the vault has lost its counter."""
    value = connection.scalar(select(COUNTER.c.value))
    return None if value is None else int(value)
