"""Search everything below a folder for tokens, also where they hide behind an encoding or a container."""

import base64
import gzip
import io
import lzma
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Hit:
    """Which token was found where, and in which spelling."""

    token: str
    spelling: str
    place: str


def spellings(token: str | bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each way in which a token may stand in bytes; text is searched without regard to case."""
    plain = token.encode() if isinstance(token, str) else token
    yield "hex", plain.hex().encode()
    if isinstance(token, str):
        yield "text", token.lower().encode()
        yield "utf-16-le", token.lower().encode("utf-16-le")
        yield "utf-16-be", token.lower().encode("utf-16-be")
        yield "hex", token.lower().encode().hex().encode()
    else:
        yield "bytes", plain
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain).rstrip(b"=")
        inner = coded[(0, 2, 3)[shift] : len(coded) - (1 if (shift + len(plain)) % 3 else 0)]
        yield "base64", inner
        yield "base64", inner.translate(bytes.maketrans(b"+/", b"-_"))


class Scanner:
    """Finds named tokens; `tokens` maps a label to the token itself."""

    def __init__(self, tokens: Mapping[str, str | bytes]) -> None:
        self._exact: dict[bytes, tuple[str, str]] = {}
        self._folded: dict[bytes, tuple[str, str]] = {}
        for label, token in tokens.items():
            for spelling, needle in spellings(token):
                table = self._exact if spelling in {"base64", "bytes"} else self._folded
                table.setdefault(needle, (label, spelling))

    def in_bytes(self, content: bytes, place: str) -> set[Hit]:
        """Search bytes and, where they are a container, what it holds."""
        found = _search(self._exact, content, place) | _search(self._folded, content.lower(), place)
        for name, inner in _opened(content):
            found |= self.in_bytes(inner, f"{place} > {name}")
        return found

    def in_folder(self, folder: Path) -> set[Hit]:
        """Search names and contents of all files below a folder."""
        found: set[Hit] = set()
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder).as_posix()
            found |= self.in_bytes(place.encode(), f"the name of {place}")
            if path.is_file():
                found |= self.in_bytes(path.read_bytes(), place)
                if path.suffix == ".db":
                    found |= self.in_bytes(_rows_of(path), f"{place} rows")
        return found


def _search(needles: Mapping[bytes, tuple[str, str]], content: bytes, place: str) -> set[Hit]:
    pattern = re.compile(b"|".join(re.escape(needle) for needle in needles))
    return {Hit(*needles[match.group()], place) for match in pattern.finditer(content)}


def _opened(content: bytes) -> Iterator[tuple[str, bytes]]:
    if content[:4] == b"PAR1":
        yield "parquet", _values_of(pq.read_table(io.BytesIO(content)))
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    elif content[:2] == b"\x1f\x8b":
        yield "gzip", gzip.decompress(content)
    elif content[:6] == b"\xfd7zXZ\x00":
        yield "xz", lzma.decompress(content)
    elif content[:2] in {b"x\x9c", b"x\xda", b"x\x01"}:
        try:
            yield "zlib", zlib.decompress(content)
        except zlib.error:
            return


def _values_of(rows: pa.Table) -> bytes:
    """Return every value of a table, one a line; cells that are containers are opened in their turn."""
    cells = [value for column in rows.columns for value in column.to_pylist() if value is not None]
    return b"\n".join(_bytes_of(value) for value in cells)


def _rows_of(database: Path) -> bytes:
    """Return every value of an SQLite file: long ones are split over its pages."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as link:
        link.text_factory = bytes
        names = [row[0].decode() for row in link.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        cells = [cell for name in names for row in link.execute(f'SELECT * FROM "{name}"') for cell in row]
    return b"\n".join(_bytes_of(cell) for cell in cells if cell is not None)


def _bytes_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
