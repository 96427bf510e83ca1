"""The vault's SQLite file: one writer at a time, every committed change counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert, text, update

from lakehouse.adapters.sqlite_files import make_private_file, named_failures, private_engine
from lakehouse.adapters.vault_schema import COUNTER, METADATA
from lakehouse.errors import Unavailable


class VaultDatabase:
    """Transactions on one vault file; every committed change raises its counter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = private_engine(path)

    def create(self) -> None:
        """Make the file (mode 0600) and whichever of its tables are missing."""
        make_private_file(self._path)
        with self._writing() as connection:
            METADATA.create_all(connection)
            if connection.scalar(COUNTER.select()) is None:
                connection.execute(insert(COUNTER).values(value=0))

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
        with self._writing() as connection:
            before = connection.scalar(text("SELECT total_changes()"))
            yield connection
            if connection.scalar(text("SELECT total_changes()")) != before:
                connection.execute(update(COUNTER).values(value=COUNTER.c.value + 1))

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
