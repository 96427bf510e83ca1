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
from pathlib import Path
from typing import IO, cast

from lakehouse.errors import UnreadableInput

MEMBER_LIMIT = 2**28
TOTAL_LIMIT = 2**34
HEADER_LIMIT = 2**16
_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".tar.xz": lambda raw: cast("IO[bytes]", lzma.LZMAFile(raw)),  # noqa: SIM115
    ".tar.gz": lambda raw: cast("IO[bytes]", gzip.GzipFile(fileobj=raw)),
    ".tgz": lambda raw: cast("IO[bytes]", gzip.GzipFile(fileobj=raw)),
    ".tar.bz2": lambda raw: cast("IO[bytes]", bz2.BZ2File(raw)),
    ".tar": lambda raw: raw,
}
ARCHIVE_SUFFIXES = tuple(_DECOMPRESSORS)
_DAMAGE = (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, ValueError)
_BLOCK = tarfile.BLOCKSIZE
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
_PAX_PATH = re.compile(rb"\d+ path=([^\n]*)\n")


def read_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each regular file; links, devices and unsafe names are passed over.

    Raises:
        UnreadableInput: after the members that could be read, if the archive breaks off, is no archive
            or is larger than any honest one.
    """
    decompress = next(_DECOMPRESSORS[suffix] for suffix in ARCHIVE_SUFFIXES if path.name.endswith(suffix))
    try:
        with path.open("rb") as raw, decompress(raw) as stream:
            for name, data in _walk(stream):
                if not name.startswith("/") and ".." not in name.split("/"):
                    yield name, data
    except _DAMAGE as problem:
        raise UnreadableInput("an archive breaks off or is none", remedy="fetch it again") from problem


def _walk(stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    total = 0
    long_name: str | None = None
    while True:
        try:
            member = tarfile.TarInfo.frombuf(_exactly(stream, _BLOCK), "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            return
        total += _BLOCK + member.size
        if member.size < 0 or total > TOTAL_LIMIT or (member.isreg() and member.size > MEMBER_LIMIT):
            raise tarfile.ReadError("a size is out of bounds")
        if member.type in _REGULAR:
            data = _content(stream, member.size)
            yield long_name or member.name, data
            long_name = None
        elif member.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE) and member.size <= HEADER_LIMIT:
            long_name = _long_name(member.type, _content(stream, member.size)) or long_name
        else:
            _skip(stream, member.size)
            long_name = None


def _long_name(kind: bytes, content: bytes) -> str | None:
    if kind == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape")
    path = _PAX_PATH.search(content)
    return path[1].decode("utf-8", "surrogateescape") if path else None


def _padding(size: int) -> int:
    return -size % _BLOCK


def _content(stream: IO[bytes], size: int) -> bytes:
    data = _exactly(stream, size)
    _exactly(stream, _padding(size))
    return data


def _skip(stream: IO[bytes], size: int) -> None:
    left = size + _padding(size)
    while left:
        left -= len(_exactly(stream, min(left, HEADER_LIMIT)))


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError("the archive breaks off")
    return data
