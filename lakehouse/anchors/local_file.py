"""Copies of signed heads in a folder that the site does not rewrite: another disk, another account.

One file a head, named by its size, in one folder a log. A head that contradicts a copy is refused: a fork
(other root, same size), a rewritten past (no consistency path), or a log that became shorter.
"""

import hashlib
import re
from pathlib import Path

from lakehouse.adapters.durable_files import write_durably
from lakehouse.adapters.log_settings import LogSettings
from lakehouse.adapters.signatures import verify_signature
from lakehouse.core.anchor import Anchored, SignedHead
from lakehouse.core.checkpoint import LARGEST_NOTE, Checkpoint, parse_checkpoint, parse_note, verify_note
from lakehouse.core.merkle import verify_consistency
from lakehouse.errors import Damaged, NotVerified, Unavailable

_SIZE = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
REMEDY = "keep the folder as it is and compare: log and copy cannot both be right"


def places(settings: LogSettings) -> tuple[str, ...]:
    """Return the folders of `[[log.copies]]`."""
    return tuple(str(copy.folder) for copy in settings.copies)


def anchor(settings: LogSettings, place: str, head: SignedHead) -> Anchored:  # noqa: ARG001 a backend's shape
    """Add a copy of the head; one that is there already stays as it is."""
    folder = Path(place)
    if not folder.is_dir():
        raise Unavailable(f"the folder for copies of heads is not there: {place}", remedy="make or mount it")
    try:
        added = _add_copy(folder / log_folder(head.head.origin), head)
    except OSError as error:
        raise Unavailable(
            f"the folder for copies of heads cannot be used: {place}", remedy="check its disk and rights"
        ) from error
    return Anchored(place=place, repeated=not added)


def log_folder(origin: str) -> str:
    """Return the name of one log's folder: its origin, readable, and a part of the origin's SHA-256."""
    readable = re.sub(r"[^A-Za-z0-9.-]", "_", origin)[:80].lstrip(".")
    return f"{readable}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}"


def copied_sizes(folder: Path) -> list[int]:
    """Return the sizes of the heads copied into one log's folder, ascending."""
    return sorted(int(path.name) for path in folder.glob("*") if _SIZE.fullmatch(path.name))


def _add_copy(folder: Path, head: SignedHead) -> bool:
    """Add the head's copy where it continues the newest one; say whether there was anything to add."""
    sizes = copied_sizes(folder)
    newest = _read_copy(folder / str(sizes[-1]), head) if sizes else None
    if newest is not None:
        _require_growth(newest, head)
    if newest is not None and newest.size == head.head.size:
        return False
    write_durably(folder / str(head.head.size), head.note.render().encode())
    return True


def _require_growth(copy: Checkpoint, head: SignedHead) -> None:
    if head.head.size < copy.size:
        raise Damaged(f"the log has {head.head.size} leaves, a copy of its head {copy.size}", remedy=REMEDY)
    try:
        path = head.consistency(copy.size)
        verify_consistency(copy.size, head.head.size, path, copy.root, head.head.root)
    except NotVerified as error:
        raise Damaged(
            f"the log of {head.head.size} leaves does not begin with the copied head of {copy.size}",
            remedy=REMEDY,
        ) from error


def _read_copy(path: Path, head: SignedHead) -> Checkpoint:
    with path.open("rb") as file:
        content = file.read(4 * LARGEST_NOTE)
    try:
        note = parse_note(content.decode("utf-8"))
        verify_note(note, head.log, verify_signature)
        copy = parse_checkpoint(note.text)
    except (NotVerified, UnicodeDecodeError) as error:
        raise Damaged(
            f"the copied head of {path.name} leaves is not one of this log", remedy=REMEDY
        ) from error
    if (copy.origin, str(copy.size)) != (head.head.origin, path.name):
        raise Damaged(f"the copied head of {path.name} leaves is another than its name says", remedy=REMEDY)
    return copy
