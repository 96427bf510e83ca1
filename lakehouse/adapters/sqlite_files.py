"""Private SQLite files: WAL, secure deletion, explicit BEGIN, failures in our own words; a Store on one.

No connection outlives its transaction, so none crosses a fork (Airflow's executor forks).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, exc, text
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from lakehouse.errors import Damaged, Unavailable

SETTINGS = (
    "busy_timeout = 30000",
    "cache_size = -65536",
    "journal_mode = WAL",
    "secure_delete = ON",
    "foreign_keys = ON",
    "synchronous = FULL",
)
UNREACHABLE = ("locked", "unable to open", "disk i/o", "readonly", "full")


def make_private_file(path: Path) -> None:
    """Make the file (mode 0600) and its folder (0700) where they are missing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def private_engine(path: Path) -> Engine:
    """Return an engine on the file; the execution option `begin` says how a transaction begins."""
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


def foreign_objects(connection: Connection, metadata: MetaData) -> list[str]:
    """Return tables, views, indexes and triggers not made as ours are: a trigger acts on what we write."""
    made: list[CreateTable | CreateIndex] = []
    for table in metadata.tables.values():
        made += [CreateTable(table), *(CreateIndex(index) for index in table.indexes)]
    expected = {" ".join(str(create.compile(dialect=connection.dialect)).split()) for create in made}
    there = connection.execute(
        text("SELECT type, name, sql FROM sqlite_master WHERE substr(name, 1, 7) != 'sqlite_'")
    )
    return sorted(f"{kind} {name}" for kind, name, sql in there if " ".join(sql.split()) not in expected)


@contextmanager
def named_failures(what: str, file: str) -> Iterator[None]:
    """Turn SQLite's failures into ours; their text names tables, parameters and cells and is dropped."""
    try:
        yield
    except exc.DBAPIError as failure:
        reason = str(failure.orig).lower()
        if any(word in reason for word in UNREACHABLE):
            raise Unavailable(
                f"{what} cannot be reached", remedy="see who holds it and how full the disk is, then repeat"
            ) from None
        raise Damaged(
            f"{what} cannot be read", remedy=f"restore {file} from its backup", place=file
        ) from None
    except UnicodeDecodeError:
        raise Damaged(
            f"{what} holds text that cannot be read", remedy=f"restore {file} from its backup", place=file
        ) from None


class SqliteStore:
    """The Store that is one private file; `what` is how messages call it, as in `the registry`."""

    kind = "sqlite"

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what
        self._engine = private_engine(path)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")

    @property
    def place(self) -> str:
        """The file's name."""
        return self.path.name

    def exists(self) -> bool:
        """Say whether the file is there."""
        return self.path.is_file()

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """Make the file and its folder, and yield the only writer."""
        make_private_file(self.path)
        with self.writing() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the write lock from the start; commit at the end, roll back on any error."""
        self._require_file()
        with named_failures(self._what, self.place), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one state without holding up writers."""
        self._require_file()
        with named_failures(self._what, self.place), self._engine.begin() as connection:
            yield connection

    def foreign_objects(self, connection: Connection, metadata: MetaData) -> list[str]:
        """Return tables, views, indexes and triggers that are not ours."""
        return foreign_objects(connection, metadata)

    def purge(self, *_tables: str) -> None:
        """Empty the write-ahead log; `secure_delete` has overwritten the rest."""
        with named_failures(self._what, self.place), self._engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _require_file(self) -> None:
        if not self.exists():
            raise Unavailable(
                f"{self._what} is missing",
                remedy=f"restore {self.place} from a backup of this home, or start a new home",
            )
