"""Files that survive a power cut: written beside, synced, renamed, and the folder synced.

Private by default: 0600 in folders of 0700. A killed write leaves at most a `.<name>.<random>.new` file.
"""

import os
import secrets
from pathlib import Path

UNFINISHED = ".new"


def write_durably(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, whole or not at all, and return once it is on disk."""
    make_private_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents with mode 0700, each synced into its parent."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the folder's entries are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_unfinished(path: Path) -> bool:
    """Say whether `path` is what a killed `write_durably` leaves."""
    return path.name.startswith(".") and path.name.endswith(UNFINISHED)
