"""Whether an SQLite file is whole: pages, indexes, and text that is text.

https://sqlite.org/pragma.html#pragma_integrity_check
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from lakehouse.errors import Unavailable


def is_whole(path: Path) -> bool:
    """Say whether SQLite finds nothing wrong with the file; Unavailable where there is none."""
    if not path.is_file():
        raise Unavailable(f"{path.name} is missing", remedy=f"restore {path.name} from its backup")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as link:
            return link.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)] and _is_readable(link)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Unavailable(f"{path.name} is held by another process", remedy="try again") from error
        if "unable to open" in str(error) and not os.access(path.parent, os.W_OK):
            raise Unavailable(
                f"{path.name} cannot be read where nothing can be written beside it",
                remedy="make the home writable, or check a copy of it",
            ) from error
        return False
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return False


def _is_readable(link: sqlite3.Connection) -> bool:
    """Read every value once: text that is not UTF-8 raises."""
    names = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        quoted = name.replace('"', '""')
        for _ in link.execute(f'SELECT * FROM "{quoted}"'):
            pass
    return True
