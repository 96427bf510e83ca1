"""Read a Delta table's log without Spark: its versions, its files and their digests.

Source: Delta protocol, section "Delta Log Entries".
"""

import errno
import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.errors import Damaged

Manifest = tuple[tuple[str, str], ...]
LOG = "_delta_log"

_REFUSED = re.compile(r"\(os error (\d+)\)")
_NO_DAMAGE = {errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.ENOMEM}
"""deltalake tells of the system's errors in words, with their number."""


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


def open_table(folder: Path, version: int) -> DeltaTable:
    """Open a table at a version; Damaged where its log does not say what the registry says.

    OSError where the system refuses to open files: that is no damage.
    """
    try:
        return DeltaTable(folder, version=version)
    except (DeltaError, OSError, ValueError, OverflowError) as error:
        refused = _REFUSED.search(str(error))
        if refused and int(refused[1]) in _NO_DAMAGE:
            raise OSError(int(refused[1]), "a table cannot be opened") from error
        raise Damaged(
            f"{folder.parent.name}.{folder.name} cannot be opened at version {version}",
            remedy="livinglab fsck",
        ) from error


def read_version(folder: Path, version: int) -> pa.Table:
    """Return all rows of one version of a table anywhere; Damaged where it cannot be read."""
    opened = open_table(folder, version)
    try:
        return opened.to_pyarrow_table()
    except (DeltaError, pa.ArrowException, OSError, ValueError) as error:
        raise Damaged(f"version {version} of a table cannot be read", remedy="livinglab fsck") from error


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
