"""What tells a file from itself a moment later: whoever writes, renames or replaces it changes its stamp."""

from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Size, time of its bytes and of its entry (ns), inode."""


def file_stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file; None where it is gone."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
