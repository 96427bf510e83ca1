"""Members of a tar archive as bytes, one at a time; nothing is unpacked to disk.

`tarfile` ends in silence at a damaged header. A batch must not lose files in silence, so the blocks
are walked here and `tarfile` only parses the headers.
Format: https://www.gnu.org/software/tar/manual/html_node/Standard.html
"""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from lakehouse.errors import UnreadableInput
from lakehouse.readers.xz_stream import open_xz

MEMBER_LIMIT = 2**27
ENTRY_LIMIT = 10_000
HEADER_LIMIT = 2**16
EXPANSION_LIMIT = 100
ALWAYS_ALLOWED = 2**25
"""An archive may hold 32 MiB, or a hundred times its own size: text compresses less, bombs more."""

_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".tar.xz": open_xz,
    ".tar.gz": lambda raw: cast("IO[bytes]", gzip.GzipFile(fileobj=raw)),
    ".tgz": lambda raw: cast("IO[bytes]", gzip.GzipFile(fileobj=raw)),
    ".tar.bz2": lambda raw: cast("IO[bytes]", bz2.BZ2File(raw)),
    ".tar": lambda raw: raw,
}
ARCHIVE_SUFFIXES = tuple(_DECOMPRESSORS)
_INNER_ARCHIVES = (*ARCHIVE_SUFFIXES, ".zip", ".7z", ".rar", ".gz", ".xz", ".bz2", ".zst")
_DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)
_BLOCK = tarfile.BLOCKSIZE
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE)
_PASSED_OVER = (tarfile.DIRTYPE, tarfile.XGLTYPE)
_PAX_PATH = re.compile(rb"\d+ path=([^\n]*)\n")
_PAX_SIZE = re.compile(rb"\d+ (size|GNU\.sparse[^=]*)=")
_DRIVE = re.compile(r"[A-Za-z]:")


def read_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each regular file.

    Raises:
        UnreadableInput: with the reason code as the fact `reason`. `unreadable_file`: it breaks off, or is
            no archive; the members yielded before are sound. `archive_bomb`: it grows beyond the limits.
            `unsafe_archive`: it holds a link, a device, an archive, a name that leaves its folder, or one
            name twice. Of the last two nothing may be taken.
    """
    decompress = next(_DECOMPRESSORS[suffix] for suffix in ARCHIVE_SUFFIXES if path.name.endswith(suffix))
    try:
        allowed = max(ALWAYS_ALLOWED, EXPANSION_LIMIT * path.stat().st_size)
        with path.open("rb") as raw, decompress(raw) as stream:
            seen: set[str] = set()
            for name, data in _walk(stream, allowed):
                seen.add(_safe_name(name, seen))
                yield name, data
    except _DAMAGE as problem:
        raise _refusal("unreadable_file", "an archive breaks off or is none") from problem


def _refusal(reason: str, message: str) -> UnreadableInput:
    return UnreadableInput(message, remedy="fetch it again, or make it anew of plain files", reason=reason)


def _bomb() -> UnreadableInput:
    return _refusal("archive_bomb", "an archive holds more than an honest one of its size")


def _unsafe() -> UnreadableInput:
    return _refusal("unsafe_archive", "an archive holds something other than plain files of one name each")


def _safe_name(name: str, seen: set[str]) -> str:
    """Return the name as one path; the same one may not come twice."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name or _DRIVE.match(name):
        raise _unsafe()
    own = str(PurePosixPath(name))
    if own in seen or name.lower().endswith(_INNER_ARCHIVES):
        raise _unsafe()
    return own


def _walk(stream: IO[bytes], allowed: int) -> Iterator[tuple[str, bytes]]:
    total = entries = 0
    long_name: str | None = None
    while (member := _next_header(stream)) is not None:
        entries += 1
        total += _BLOCK + member.size
        if member.size < 0:
            raise tarfile.ReadError("a size is out of bounds")
        if total > allowed or entries > ENTRY_LIMIT or member.size > MEMBER_LIMIT:
            raise _bomb()
        if member.type in _REGULAR:
            yield long_name or member.name, _content(stream, member.size)
            long_name = None
        elif member.type in _LONG_NAMES and member.size <= HEADER_LIMIT:
            long_name = _long_name(member.type, _content(stream, member.size)) or long_name
        elif member.type in _PASSED_OVER:
            _content(stream, member.size)
            long_name = None
        else:
            raise _unsafe()


def _next_header(stream: IO[bytes]) -> tarfile.TarInfo | None:
    try:
        return tarfile.TarInfo.frombuf(_exactly(stream, _BLOCK), "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
        _require_end(stream)
        return None


def _require_end(stream: IO[bytes]) -> None:
    """Behind the end there are only zeros: a second archive there would be lost."""
    read = 0
    while block := stream.read(HEADER_LIMIT):
        read += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError("something stands behind the end")
        if read > ALWAYS_ALLOWED:
            raise _bomb()


def _long_name(kind: bytes, content: bytes) -> str | None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape")
    if _PAX_SIZE.search(content):
        raise _unsafe()
    path = _PAX_PATH.search(content)
    return path[1].decode("utf-8", "surrogateescape") if path else None


def _content(stream: IO[bytes], size: int) -> bytes:
    data = _exactly(stream, size)
    _exactly(stream, -size % _BLOCK)
    return data


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """Return `size` bytes, read in pieces: a size that is only claimed costs nothing."""
    pieces: list[bytes] = []
    left = size
    while left:
        piece = stream.read(min(left, 2**20))
        if not piece:
            raise EOFError("the archive breaks off")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
