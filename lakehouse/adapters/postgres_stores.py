"""A Store in one schema of a PostgreSQL database.

One writer at a time: a writer begins with an exclusive lock on one table of the schema, and its snapshot is
taken after that. Readers see one state and hold nobody up. Nothing of the address reaches a message.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import sql as pg
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.pool import NullPool

from lakehouse.adapters.postgres_address import PostgresAddress
from lakehouse.adapters.postgres_catalogue import foreign_objects
from lakehouse.adapters.postgres_failures import named_failures, require_own_session

LOCK_MILLISECONDS = 30_000
STATEMENT_MILLISECONDS = 300_000
"""A scan of a table of millions of rows is one statement; a server that hangs is given up after it."""

SETTINGS = {
    "lock_timeout": str(LOCK_MILLISECONDS),
    "statement_timeout": str(STATEMENT_MILLISECONDS),
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "synchronous_commit": "on",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""Of every session, whatever the server's defaults; a lock of a dead machine ends within a minute."""

CLIENT = {
    "application_name": "livinglab",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


def connect(address: PostgresAddress, *, autocommit: bool = False) -> psycopg.Connection:
    """Return a connection whose search path is our schema alone; raises psycopg.OperationalError."""
    settings = {**SETTINGS, "search_path": f"{address.schema},pg_temp"}
    return psycopg.connect(
        **{**CLIENT, **address.connection()},  # type: ignore[arg-type]
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        autocommit=autocommit,
        prepare_threshold=None,
    )


def advisory_key(*names: str) -> int:
    """Return the signed 64-bit number under which PostgreSQL keeps a lock of this name."""
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class PostgresStore:
    """One schema: `what` is how messages call it, `turn` the table that every writer locks."""

    kind = "postgresql"

    def __init__(self, address: PostgresAddress, what: str, turn: str) -> None:
        self._address = address
        self._what = what
        self._turn = turn
        engine = create_engine(
            "postgresql+psycopg://",
            creator=partial(connect, address),
            poolclass=NullPool,
            use_native_hstore=False,
        )
        self._reader: Engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._writer: Engine = engine.execution_options(isolation_level="REPEATABLE READ")
        self._maker: Engine = engine.execution_options(isolation_level="READ COMMITTED")

    @property
    def place(self) -> str:
        """Schema, database and host."""
        return self._address.place

    def exists(self) -> bool:
        """Say whether the schema holds the table that writers lock; Unavailable behind a pooler."""
        asked = text("SELECT to_regclass(:name) IS NOT NULL, pg_backend_pid()")
        with self._named(), self._reader.begin() as connection:
            found, backend = connection.execute(asked, {"name": self._turn}).one()
            driver: Any = connection.connection.driver_connection
            require_own_session(driver, backend, self._what, self.place)
        return bool(found)

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """Make the schema where it is missing, and yield the only one who makes tables in it."""
        schema = self._address.schema
        with self._named(), self._maker.begin() as connection:
            key = advisory_key("create", schema)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            there = connection.scalar(
                text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema}
            )
            if not there:
                connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Be the only writer from the start; commit at the end, roll back on any error."""
        with self._named(), self._writer.begin() as connection:
            connection.exec_driver_sql(f'LOCK TABLE "{self._turn}" IN EXCLUSIVE MODE')
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one state without holding up writers."""
        with self._named(), self._reader.begin() as connection:
            yield connection

    def foreign_objects(self, connection: Connection, metadata: MetaData) -> list[str]:
        """Return what stands in the schema and is not made as ours is."""
        return foreign_objects(connection, metadata, self._address.schema)

    def purge(self, *tables: str) -> None:
        """Write the tables anew without their dead rows; the server's write-ahead log keeps them a while."""
        with self._named(), connect(self._address, autocommit=True) as connection:
            for name in tables:
                connection.execute(pg.SQL("VACUUM (FULL) {}").format(pg.Identifier(name)))

    def _named(self) -> AbstractContextManager[None]:
        return named_failures(self._what, self.place)
