"""The vault's SQLite file: private mode, WAL, secure deletion, one writer at a time.

No connection outlives its transaction, so none crosses a fork (Airflow's executor forks).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, text, update
from sqlalchemy.pool import NullPool

from lakehouse.adapters.vault_schema import COUNTER, METADATA
from lakehouse.errors import Damaged, Unavailable

SETTINGS = (
    "busy_timeout = 30000",
    "journal_mode = WAL",
    "secure_delete = ON",
    "foreign_keys = ON",
    "synchronous = FULL",
)
UNREACHABLE = ("locked", "unable to open", "disk i/o", "readonly", "full")


class VaultDatabase:
    """Transactions on one vault file; every committed change raises its counter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = _private_engine(path)

    def create(self) -> None:
        """Make the file (mode 0600) and whichever of its tables are missing."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._writing() as connection:
            METADATA.create_all(connection)
            if connection.scalar(COUNTER.select()) is None:
                connection.execute(insert(COUNTER).values(value=0))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the vault."""
        self._require_file()
        with _named_failures(), self._engine.connect() as connection, connection.begin():
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
        with _named_failures(), engine.begin() as connection:
            yield connection

    def _require_file(self) -> None:
        if not self._path.is_file():
            raise Unavailable(
                "the vault is missing", remedy="restore vault.db from its backup, or start a new home"
            )


def _private_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


@contextmanager
def _named_failures() -> Iterator[None]:
    """Turn SQLite's failures into ours; their text names tables and parameters and is dropped."""
    try:
        yield
    except exc.DBAPIError as failure:
        reason = str(failure.orig).lower()
        if any(word in reason for word in UNREACHABLE):
            raise Unavailable("the vault cannot be reached", remedy="see who holds it, then repeat") from None
        raise Damaged("the vault cannot be read", remedy="restore vault.db from its backup") from None
