"""Input files: where rows come from, and what a reader hands back.

A file's name may say whose it is (`GaPt03_01.txt`), so nothing outside a reader names a file: it is
its number in the batch (`#17`).
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from lakehouse.errors import UnreadableInput
from lakehouse.readers.archives import ARCHIVE_SUFFIXES, read_members

RAW_LIMIT = 45 * 2**20
"""An archive that is set aside is kept as it came; a larger one stops the batch."""
FILE_LIMIT = 2**30
"""A file that is read whole, or set aside as a whole."""
WHOLE_LIMIT = 2**23
"""A larger one is read in parts, by readers that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file of a batch, loose or out of an archive.

    number: its place in the batch, from 1. load: returns its bytes. origin: the path it lay at or came
    out of, counted from 1. fault: it stands for an archive that is set aside with this reason code.
    size: in bytes. path: where it lies; None for what came out of an archive.
    """

    number: int
    name: str
    load: Callable[[], bytes]
    origin: int = 0
    fault: str | None = None
    size: int = 0
    path: Path | None = None

    @property
    def is_large(self) -> bool:
        """Whether it is better read in parts."""
        return self.size > WHOLE_LIMIT

    def open(self) -> io.FileIO | io.BytesIO:
        """Return its bytes as a stream without a buffer.

        Raises:
            UnreadableInput: it may not be read.
        """
        if self.path is None:
            return io.BytesIO(self.load())
        try:
            return self.path.open("rb", buffering=0)
        except OSError as problem:
            raise _unreadable() from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """One input row that is set aside. row: its number in the file, None for the file as a whole.

    raw: the row as it came, to be sealed. person_id, system: whose it is, where that is known.
    """

    file: int
    row: int | None
    reason: str
    column: str | None
    raw: bytes
    person_id: str | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIdentifier:
    """Something that names a person, for finding it again in free text.

    kind: name, phone, email, address or identifier.
    """

    person_id: str
    system: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """What a reader found in one file; len(rows) + len(rejected) = received.

    digest: SHA-256 of the file's bytes. identity: whose file it is and which one (`GaPt03_01`), ""
    if its name says nothing. rows: int64 `row`, then the contract's columns by name and type, then
    `undeclared:<n>` (text) for `undeclared[n]`, and `links` (list of system, value) where the contract
    names linked identifiers. constants: columns that are the same in every row and not in `rows`.
    frame: what a line of the file needs beside itself to be read again: the header, or the file's name
    where that says whose it is.
    """

    file: int
    digest: bytes
    identity: str
    rows: pa.Table
    rejected: tuple[RejectedRow, ...]
    received: int
    undeclared: tuple[str, ...] = ()
    constants: Mapping[str, str | int] = field(default_factory=dict)
    identifiers: tuple[KnownIdentifier, ...] = ()
    frame: bytes = b""

    def parts(self) -> Iterator["FileRows"]:
        """Yield itself: all of its rows are in memory."""
        yield self


class FoundRows(Protocol):
    """What a reader gives for one file: `FileRows`, or a large file whose parts are read when asked for.

    file, digest, identity: as in `FileRows`. parts: the same ones each time it is called.
    """

    @property
    def file(self) -> int: ...  # noqa: D102  see the class
    @property
    def digest(self) -> bytes: ...  # noqa: D102
    @property
    def identity(self) -> str: ...  # noqa: D102
    @property
    def constants(self) -> Mapping[str, str | int]: ...  # noqa: D102
    def parts(self) -> Iterator[FileRows]: ...  # noqa: D102


def expand(paths: Sequence[Path], patterns: Sequence[str]) -> Iterator[InputFile]:
    """Yield the files of a batch: paths by name; folders by path; archives in their own order.

    A path that is a file is taken whatever its name. In folders and archives `patterns` (of the name
    or of the path inside the folder) choose. Members of archives are loaded one at a time and
    nothing is written to disk.

    Raises:
        UnreadableInput: a path is not there, may not be read or is too large.
    """
    number = 0
    for origin, path in enumerate(_loose_files(paths, patterns), 1):
        for file in _unpack(path, patterns):
            number += 1
            yield replace(file, number=number, origin=origin)


def matches(path: Path, folder: Path, patterns: Sequence[str]) -> bool:
    """Whether a file in `folder` is one that the patterns name."""
    inside = path.relative_to(folder).as_posix()
    return any(fnmatchcase(path.name, pattern) or fnmatchcase(inside, pattern) for pattern in patterns)


def _loose_files(paths: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(
                (file, None) for file in path.rglob("*") if file.is_file() and matches(file, path, patterns)
            )
        elif path.is_file():
            found[path] = None
        else:
            raise UnreadableInput("an input path is no file and no folder", remedy="check the path")
    return sorted(found, key=lambda path: (path.name, str(path)))


def _unpack(path: Path, patterns: Sequence[str]) -> Iterator[InputFile]:
    """Yield the files of a path, not yet numbered."""
    if not path.name.endswith(ARCHIVE_SUFFIXES):
        load = partial(_bytes_of, path, FILE_LIMIT)
        yield InputFile(number=0, name=path.name, load=load, size=_size_of(path), path=path)
        return
    try:
        for name, data in read_members(path):
            base = name.rpartition("/")[2]
            if any(fnmatchcase(base, pattern) for pattern in patterns):
                yield InputFile(number=0, name=base, load=lambda data=data: data, size=len(data))  # type: ignore[misc]
    except UnreadableInput as problem:
        load = partial(_bytes_of, path, RAW_LIMIT)
        yield InputFile(number=0, name=path.name, load=load, fault=str(problem.facts["reason"]))


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as problem:
        raise _unreadable() from problem


def _bytes_of(path: Path, limit: int) -> bytes:
    size = _size_of(path)
    if size > limit:
        raise UnreadableInput(
            f"an input file has {size:,} bytes; it can be kept or set aside up to {limit:,}",
            remedy="split it, or fetch it again if it is a damaged archive",
        )
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _unreadable() from problem


def _unreadable() -> UnreadableInput:
    return UnreadableInput("an input file may not be read", remedy="check its permissions")
