"""How large the pages of a Parquet file are, as the header before each page says.

That is what a decompressor allocates; the sizes in the file's footer are only told, and may be a lie. The
footer is read here too: pyarrow ends the whole process where a chunk that a footer describes is malformed.
Both are Thrift structs in compact form.
Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (FileMetaData,
PageHeader), https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_MAGIC = b"PAR1"
_WINDOWS = (2**12, 2**20)
"""Headers have some dozen bytes, and more where they state the least and the highest text."""
_ROW_GROUPS, _COLUMNS, _ROWS, _CHUNK = 4, 1, 3, 3
_VALUES, _CHUNK_SIZE, _DATA_PLACE, _DICTIONARY_PLACE = 5, 7, 9, 11
_UNPACKED, _PACKED = 2, 3
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS, _LISTS = (4, 5, 6), (9, 10)
_DEEPEST = 16
_Struct = dict[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChunk:
    """The values of one column in one row group: how many, where their pages begin and end."""

    values: int
    begin: int
    end: int


def row_groups(source: pa.NativeFile) -> list[tuple[int, list[ColumnChunk]]]:
    """Return rows and chunks of each row group; raises ValueError where the footer is none."""
    size = source.size()
    tail = source.read_at(8, max(0, size - 8))
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - 12:
        raise ValueError("there is no footer")
    try:
        footer, _ = _struct(source.read_at(length, size - 8 - length), 0, 0)
        groups = [
            (group[_ROWS], [_chunk(own[_CHUNK]) for own in group[_COLUMNS]]) for group in footer[_ROW_GROUPS]
        ]
    except (LookupError, TypeError) as problem:
        raise ValueError("the footer breaks off") from problem
    return groups


def _chunk(told: _Struct) -> ColumnChunk:
    begin = min(filter(None, (told[_DATA_PLACE], told.get(_DICTIONARY_PLACE))), default=0)
    return ColumnChunk(values=told[_VALUES], begin=begin, end=begin + told[_CHUNK_SIZE])


def page_sizes(source: pa.NativeFile, chunks: Iterable[ColumnChunk]) -> Iterator[int]:
    """Yield the unpacked size of each page; raises ValueError where something else stands there."""
    for chunk in chunks:
        place = chunk.begin
        while place < chunk.end:
            unpacked, packed, header = _page_header(source, place)
            yield unpacked
            place += header + packed


def _page_header(source: pa.NativeFile, place: int) -> tuple[int, int, int]:
    """Return unpacked size, packed size and the length of the header itself, in bytes."""
    for window in _WINDOWS:
        try:
            header, length = _struct(source.read_at(window, place), 0, 0)
        except IndexError:
            continue
        sizes = (header.get(_UNPACKED), header.get(_PACKED))
        if not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise ValueError("a page has no size")
        return header[_UNPACKED], header[_PACKED], length
    raise ValueError("a page has no header")


def _struct(data: bytes, place: int, depth: int) -> tuple[_Struct, int]:
    """Return a struct by field number, and where it ends; raises IndexError where it breaks off."""
    found: _Struct = {}
    number = 0
    while data[place]:
        step, kind = data[place] >> 4, data[place] & 15
        place += 1
        if step:
            number += step
        else:
            number, place = _integer(data, place)
        if kind in (_TRUE, _FALSE):
            found[number] = kind == _TRUE
        else:
            found[number], place = _value(data, place, kind, depth + 1)
    return found, place + 1


def _value(data: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError("nothing nests so deep")
    if kind in _INTEGERS:
        return _integer(data, place)
    if kind == _STRUCT:
        return _struct(data, place, depth)
    if kind in _LISTS:
        return _list(data, place, depth)
    if kind == _BINARY:
        length, place = _varint(data, place)
        return None, place + length
    sizes = {_TRUE: 1, _FALSE: 1, _BYTE: 1, _DOUBLE: 8}
    if kind not in sizes:
        raise ValueError("no such type stands there")
    return None, place + sizes[kind]


def _list(data: bytes, place: int, depth: int) -> tuple[list[Any], int]:
    count, kind = data[place] >> 4, data[place] & 15
    place += 1
    if count == 15:
        count, place = _varint(data, place)
    found = []
    for _ in range(count):
        value, place = _value(data, place, kind, depth + 1)
        data[place - 1]
        found.append(value)
    return found, place


def _integer(data: bytes, place: int) -> tuple[int, int]:
    value, place = _varint(data, place)
    return (value >> 1) ^ -(value & 1), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number has no end")
