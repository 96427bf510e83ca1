"""Folders for what only one process needs for a while: gone with it, however it ends.

Its owner holds the folder's own lock (flock), which the system frees when the process dies.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "private-"


@contextmanager
def private_folder(parent: Path, prefix: str = PREFIX) -> Iterator[Path]:
    """Yield a new folder (0700) below `parent`, made with it if need be; removed at the end of the block."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder, held = _held_folder(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(held)


def clear_abandoned(parent: Path, prefix: str = PREFIX) -> int:
    """Remove this account's private folders below `parent` that no living process holds, and count them."""
    removed = 0
    for folder in sorted(parent.glob(f"{prefix}*")):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
            continue
        held = _hold(folder)
        if held is not None:
            shutil.rmtree(folder)
            os.close(held)
            removed += 1
    return removed


def _held_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    """Make a folder and hold it; another process may clear it in the moment between, then once more."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()
        held = _hold(folder)
        if held is not None:
            return folder, held


def _hold(folder: Path) -> int | None:
    """Return an open file that holds the folder's lock; None where another has it or the folder is gone."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(folder.stat(), os.fstat(opened)):
            return opened
    except (BlockingIOError, FileNotFoundError):
        os.close(opened)
        return None
    os.close(opened)
    return None
