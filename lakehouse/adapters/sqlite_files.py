"""Private SQLite files: WAL, secure deletion, explicit BEGIN, failures in our own words.

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
