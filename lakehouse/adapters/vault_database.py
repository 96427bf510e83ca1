"""The vault's SQLite file: one writer at a time, every committed change counted and sealed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert, text, update

from lakehouse.adapters.sqlite_files import (
    foreign_objects,
    make_private_file,
    named_failures,
    private_engine,
)
from lakehouse.adapters.vault_schema import COUNTER, METADATA
from lakehouse.adapters.vault_seals import RowChanges, begin_seals, broken_seals
from lakehouse.errors import Unavailable


class VaultDatabase:
    """Transactions on one vault file; every committed change raises its counter and renews its seals.

    `row_key` returns the key of the seals, which lies outside the home.
    """

    def __init__(self, path: Path, row_key: Callable[[], bytes]) -> None:
        self._path = path
        self._row_key = row_key
        self._engine = private_engine(path)

    def create(self) -> None:
        """Make the file (mode 0600) and whichever of its tables are missing."""
        make_private_file(self._path)
        with self._writing() as connection:
            METADATA.create_all(connection)
            begin_seals(connection, self._row_key())
            with self._sealing(connection):
                if connection.scalar(COUNTER.select()) is None:
                    connection.execute(insert(COUNTER).values(value=0))

    def broken_seals(self) -> tuple[str, ...]:
        """Return the tables in which a row was added, changed or taken away, and what is not ours."""
        with self.reading() as connection:
            broken = broken_seals(connection, self._row_key())
            return (*broken, *foreign_objects(connection, METADATA))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the vault."""
        self._require_file()
        with (
            named_failures("the vault", "vault.db"),
            self._engine.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Yield the only writer; commits at the end and counts the change, rolls back on an error."""
        self._require_file()
        with self._writing() as connection, self._sealing(connection):
            before = connection.scalar(text("SELECT total_changes()"))
            yield connection
            if connection.scalar(text("SELECT total_changes()")) != before:
                connection.execute(update(COUNTER).values(value=COUNTER.c.value + 1))

    @contextmanager
    def _sealing(self, connection: Connection) -> Iterator[None]:
        changes = RowChanges(self._row_key())
        changes.watch(connection)
        yield
        changes.reseal(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        engine = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        with named_failures("the vault", "vault.db"), engine.begin() as connection:
            yield connection

    def _require_file(self) -> None:
        if not self._path.is_file():
            raise Unavailable(
                "the vault is missing", remedy="restore vault.db from its backup, or start a new home"
            )
