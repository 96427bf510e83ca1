"""What tells a file from itself a moment later: whoever writes, renames or replaces it changes its stamp."""

import errno
import stat
from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Size, time of its bytes and of its entry (ns), inode."""

_NO_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


def file_stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file; None where it is gone, or no file: a link to itself, a pipe, a folder."""
    try:
        found = path.stat()
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino
