"""A copy of an SQLite database as one transaction left it, made while others write.

https://sqlite.org/backup.html: in WAL mode the copy is one read transaction, and writers go on.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from lakehouse.adapters.durable_files import sync_folder
from lakehouse.adapters.sqlite_files import UNREACHABLE, make_private_file
from lakehouse.errors import Damaged, Unavailable

PATIENCE_SECONDS = 30.0


def copy_database(source: Path, target: Path) -> None:
    """Copy a database into one private file that is on disk when this returns.

    Raises Unavailable where it is missing or held, Damaged where it cannot be read.
    """
    if not source.is_file():
        raise Unavailable(f"{source.name} is missing", remedy=f"restore {source.name} from its backup")
    target.unlink(missing_ok=True)
    make_private_file(target)
    place = f"{source.absolute().as_uri()}?mode=rw"
    try:
        with (
            closing(sqlite3.connect(place, uri=True, timeout=PATIENCE_SECONDS)) as link,
            closing(sqlite3.connect(target)) as copy,
        ):
            link.backup(copy)
    except sqlite3.DatabaseError as error:
        if any(word in str(error).lower() for word in UNREACHABLE):
            raise Unavailable(f"{source.name} cannot be copied now", remedy="try again") from error
        raise Damaged(
            f"{source.name} cannot be read", remedy=f"restore {source.name} from its backup"
        ) from error
    fold_journal(target)


def fold_journal(path: Path) -> None:
    """Let a database that nobody else has open be one file, without a journal beside it."""
    with closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA journal_mode = DELETE")
    sync_folder(path.parent)
