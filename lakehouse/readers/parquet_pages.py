"""How large the pages of a Parquet file are, as the header before each page says.

That is what a decompressor allocates; the sizes in the file's footer are only told, and may be a lie.
Headers are Thrift structs in compact form; all but three fields are passed over.
Format: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift (PageHeader),
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

_WINDOWS = (2**12, 2**20)
"""Headers have some dozen bytes, and more where they state the least and the highest text."""
_UNPACKED, _PACKED = 2, 3
_INTEGERS, _DOUBLE, _BINARY, _LISTS, _MAP, _STRUCT = (4, 5, 6), 7, 8, (9, 10), 11, 12
_DEEPEST = 8


def page_sizes(source: pa.NativeFile, metadata: pq.FileMetaData) -> Iterator[int]:
    """Yield the unpacked size of each page; raises ValueError where something else stands there."""
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            place = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=0)
            end = place + chunk.total_compressed_size
            while place < end:
                unpacked, packed, header = _page_header(source, place)
                yield unpacked
                place += header + packed


def _page_header(source: pa.NativeFile, place: int) -> tuple[int, int, int]:
    """Return unpacked size, packed size and the length of the header itself, in bytes."""
    for window in _WINDOWS:
        data = source.read_at(window, place)
        try:
            sizes, length = _struct_integers(data)
        except IndexError:
            continue
        unpacked, packed = sizes.get(_UNPACKED, -1), sizes.get(_PACKED, -1)
        if min(unpacked, packed) < 0:
            raise ValueError("a page has no size")
        return unpacked, packed, length
    raise ValueError("a page has no header")


def _struct_integers(data: bytes) -> tuple[dict[int, int], int]:
    """Return the integers of a struct by field number, and how many bytes it takes."""
    found: dict[int, int] = {}
    place = number = 0
    while data[place]:
        number, kind, place = _field(data, place, number)
        if kind in _INTEGERS:
            value, place = _varint(data, place)
            found[number] = (value >> 1) ^ -(value & 1)
        else:
            place = _behind(data, place, kind, 0)
    return found, place + 1


def _field(data: bytes, place: int, before: int) -> tuple[int, int, int]:
    """Return number and type of the field at a place, and where its value begins."""
    step, kind = data[place] >> 4, data[place] & 15
    if step:
        return before + step, kind, place + 1
    number, place = _varint(data, place + 1)
    return (number >> 1) ^ -(number & 1), kind, place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number has no end")


def _behind(data: bytes, place: int, kind: int, depth: int) -> int:
    """Return where the value at a place ends."""
    if depth > _DEEPEST or kind > _STRUCT:
        raise ValueError("no header nests so deep")
    if kind in _INTEGERS:
        return _varint(data, place)[1]
    if kind == _BINARY:
        length, place = _varint(data, place)
        return place + length
    if kind in _LISTS:
        return _behind_list(data, place, depth)
    if kind == _STRUCT:
        while data[place]:
            _, inner, place = _field(data, place, 0)
            place = _behind(data, place, inner, depth + 1)
        return place + 1
    if kind == _MAP:
        raise ValueError("no header holds a map")
    return place + {_DOUBLE: 8, 3: 1}.get(kind, 0)


def _behind_list(data: bytes, place: int, depth: int) -> int:
    count, kind = data[place] >> 4, data[place] & 15
    place += 1
    if count == 15:
        count, place = _varint(data, place)
    for _ in range(count):
        place = place + 1 if kind in (1, 2) else _behind(data, place, kind, depth + 1)
        data[place - 1]
    return place
