"""A Store for a test, in a file or in PostgreSQL, and somebody who writes into it behind our back."""

import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from lakehouse.adapters.postgres_address import PostgresAddress
from lakehouse.adapters.postgres_stores import PostgresStore, connect
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.ports import Store
from tests.postgres_server import PostgresServer


class KeptStore(ABC):
    """A Store and its back door; `no_keys` is what turns foreign keys off there."""

    store: Store
    mark: str
    no_keys: str

    @abstractmethod
    def behind(self) -> Any:
        """Return a connection that is not ours, to be closed."""

    @abstractmethod
    def again(self) -> Store:
        """Return another Store on the same database."""

    @abstractmethod
    def everything(self) -> bytes:
        """Return every byte that the database has on disk."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> Any:
        """Run a statement behind our back; returns what it yields, or how many rows it changed."""
        with closing(self.behind()) as link, link:
            link.execute(self.no_keys)
            cursor = link.execute(statement.replace("?", self.mark), *([values] if values else []))
            return cursor.fetchall() if cursor.description else cursor.rowcount

    @contextmanager
    def changed(self, table: str, statement: str) -> Iterator[int]:
        """Run a statement on a table and, at the end of the block, put the table's rows back."""
        rows = self.execute(f"SELECT * FROM {table}")
        yield self.execute(statement)
        self.execute(f"DELETE FROM {table}")
        for row in rows:
            self.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


class InFile(KeptStore):
    """A store in an SQLite file."""

    mark, no_keys = "?", "PRAGMA foreign_keys = OFF"

    def __init__(self, folder: Path, name: str, what: str) -> None:
        self.path, self._what = folder / name, what
        self.store = self.again()

    def behind(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path)

    def again(self) -> Store:
        return SqliteStore(self.path, self._what)

    def everything(self) -> bytes:
        return b"".join(found.read_bytes() for found in self.path.parent.iterdir())


class InPostgres(KeptStore):
    """A store in a schema of its own."""

    mark, no_keys = "%s", "SET session_replication_role = replica"

    def __init__(self, server: PostgresServer, what: str, turn: str) -> None:
        self._server, self._what, self._turn = server, what, turn
        self.address = postgres_address(server, f"kept_{secrets.token_hex(4)}")
        self.store = self.again()

    def behind(self) -> psycopg.Connection:
        return connect(self.address)

    def again(self) -> Store:
        return PostgresStore(self.address, self._what, self._turn)

    def everything(self) -> bytes:
        self._server.execute("CHECKPOINT")
        return b"".join(self._server.bytes_below(name) for name in ("base", "pg_wal"))

    def drop(self) -> None:
        """Remove the schema."""
        self._server.execute(f"DROP SCHEMA IF EXISTS {self.address.schema} CASCADE")


def postgres_address(server: PostgresServer, schema: str, role: str = "postgres") -> PostgresAddress:
    """Return the address of a schema of the tests' server."""
    parameters = {"host": str(server.folder), "dbname": "postgres", "user": role}
    return PostgresAddress(parameters=parameters, schema=schema)
