"""Read a Delta table's log without Spark: its versions, its files and their digests.

Source: Delta protocol, section "Delta Log Entries".
"""

import errno
import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.errors import Damaged

Manifest = tuple[tuple[str, str], ...]
LOG = "_delta_log"

LARGEST_VERSION = 10_000_000
"""deltalake counts up to the version it is asked for: a stranger's far one would keep it at that for ever."""

_REFUSED = re.compile(r"\(os error (\d+)\)")
"""deltalake tells of the system's errors in words, with their number."""
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
"""What the system says of a file that is not there, or is none: the table's fault, not the machine's."""


def table_versions(folder: Path) -> list[int]:
    """Return the versions whose commit files are there, ascending; empty where there is no table."""
    return sorted(int(file.stem) for file in (folder / LOG).glob("*.json") if file.stem.isdigit())


def newest_version(folder: Path) -> int:
    """Return the newest version, -1 where there is no table."""
    return max(table_versions(folder), default=-1)


def is_committed(folder: Path, intent: str) -> bool:
    """Say whether the newest commit carries the intent as its transaction's `appId`."""
    newest = folder / LOG / f"{newest_version(folder):020d}.json"
    if not newest.is_file():
        return False
    actions = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines() if line]
    return any(action.get("txn", {}).get("appId") == intent for action in actions)


def refused_by_system(error: OSError) -> int | None:
    """Return the number of the system's error where it would read no file; None where the file is at fault.

    Too many open files, no permission, a disk that fails: the table may be whole. Absent files and bytes that
    are no Parquet, which pyarrow also calls an OSError, are damage.
    """
    said = _REFUSED.search(str(error))
    number = int(said[1]) if said else error.errno
    return None if number in _ABSENT else number


def open_table(folder: Path, version: int) -> DeltaTable:
    """Open a table at a version; Damaged where its log does not say what the registry says.

    OSError where the system refuses to open files: that is no damage.
    """
    place = f"{folder.parent.name}.{folder.name} cannot be opened at version {version}"
    if not 0 <= version <= min(newest_version(folder), LARGEST_VERSION):
        raise Damaged(place, remedy="livinglab fsck")
    with _named_failures(place):
        return DeltaTable(folder, version=version)


def read_version(folder: Path, version: int) -> pa.Table:
    """Return all rows of one version of a table anywhere; Damaged, OSError as `open_table` says."""
    opened = open_table(folder, version)
    with _named_failures(f"version {version} of a table cannot be read"):
        return opened.to_pyarrow_table()


@contextmanager
def _named_failures(damage: str) -> Iterator[None]:
    """Say what deltalake (DeltaError: the log) and pyarrow (ArrowException: the rows) meet in a table."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (DeltaError, pa.ArrowException) as error:
        raise Damaged(damage, remedy="livinglab fsck") from error
    except OSError as error:
        number = refused_by_system(error)
        if number is None:
            raise Damaged(damage, remedy="livinglab fsck") from error
        raise OSError(number, "a table cannot be opened") from error


def file_manifest(folder: Path, version: int, known: Mapping[str, str] | None = None) -> Manifest:
    """Return (path, SHA-256) of a version's data files, commit and checkpoints (PROTOCOLS section 2).

    `known` holds digests of earlier leaves: data files never change, so they are not read again.
    """
    data = {Path(str(uri)).name for uri in open_table(folder, version).file_uris()}
    digests = {path: digest for path, digest in (known or {}).items() if path in data}
    named = [*data, f"{LOG}/{version:020d}.json", *_checkpoint_files(folder, version)]
    return tuple(sorted((path, digests.get(path) or file_sha256(folder / path)) for path in named))


def _checkpoint_files(folder: Path, version: int) -> list[str]:
    log = folder / LOG
    numbered = [*log.glob("[0-9]*.checkpoint*"), *log.glob("[0-9]*.crc")]
    made_by_then = [file for file in numbered if int(file.name.split(".")[0]) <= version]
    newest = [log / "_last_checkpoint"] if (log / "_last_checkpoint").is_file() else []
    return [f"{LOG}/{file.name}" for file in (*made_by_then, *newest)]


def require_plain_files(folder: Path) -> None:
    """Raise Damaged where a table of strangers holds a pipe or device: reading one never ends."""
    try:
        modes = [path.stat().st_mode for path in folder.rglob("*")]
    except OSError as error:
        raise Damaged("the folder of a table cannot be read", remedy="copy it again") from error
    strange = sum(not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) for mode in modes)
    if strange:
        raise Damaged(
            f"the folder of a table holds {strange} pipes or devices", remedy="copy its files alone"
        )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def table_files(folder: Path) -> set[str]:
    """Return every file and link below a table's folder, as relative paths."""
    there = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in there}
