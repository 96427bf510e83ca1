"""One column in canonical bytes, encoded once and cut at rows: the format is told in `arrow_rows`."""

import struct
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NULL_CODE = 0xFFFFFFFF
ONE_VALUE, FIRST_CODE, NO_VALUE = struct.pack("<I", 1), struct.pack("<I", 0), struct.pack("<II", 0, NULL_CODE)
"""What stands around the value of a text of one row, and in place of one that is null."""

QUIET_NAN = np.uint64(0x7FF8000000000000)
FEW_ROWS = 64
"""So few distinct values are told apart in Python sooner than Arrow has begun."""

Cut = Callable[[int, int], list[bytes]]
"""From the first row to the one behind the last: the column's canonical bytes, in pieces."""


def column_cut(name: str, values: pa.ChunkedArray) -> Cut:
    """Return what gives the canonical bytes of any run of rows of a column.

    Raises TypeError where its type has no canonical form.
    """
    column = _one_array(values)
    tag, encoded = _encoded_values(column)
    head = _column_head(name, tag)
    nulls = _nulls_cut(column)
    body = _fixed_cut(encoded) if isinstance(encoded, np.ndarray) else _distinct_cut(encoded)

    def cut(start: int, end: int) -> list[bytes]:
        return [head + struct.pack("<Q", end - start), nulls(start, end), *body(start, end)]

    return cut


def single_rows(name: str, values: pa.ChunkedArray) -> pa.Array:
    """Return the canonical bytes of each row (n) of a column as if it stood alone (large binary).

    Raises TypeError where its type has no canonical form.
    """
    column = _one_array(values)
    tag, encoded = _encoded_values(column)
    head = _column_head(name, tag) + struct.pack("<Q", 1)
    there = _choice(column.is_valid(), head + b"\x00", head + b"\x01\x00")
    if isinstance(encoded, np.ndarray):
        return _joined(there, _byte_rows(encoded))
    sizes = _byte_rows(pc.fill_null(pc.binary_length(encoded), 0).to_numpy().astype("<u4"))
    one_value = _joined(_large(ONE_VALUE), sizes, encoded.cast(pa.large_binary()), _large(FIRST_CODE))
    return _joined(there, pc.if_else(column.is_valid(), one_value, _large(NO_VALUE)))


def _choice(chosen: pa.Array, one: bytes, other: bytes) -> pa.Array:
    return pc.if_else(chosen, _large(one), _large(other))


def _large(value: bytes) -> pa.Scalar:
    return pa.scalar(value, pa.large_binary())


def _joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _large(b""))


def _byte_rows(values: np.ndarray) -> pa.Array:
    """Return the bytes of each number (n) of a little-endian array."""
    fixed = pa.binary(values.itemsize)
    rows = pa.Array.from_buffers(fixed, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
    return rows.cast(pa.large_binary())


def _column_head(name: str, tag: bytes) -> bytes:
    encoded = name.encode()
    return struct.pack("<I", len(encoded)) + encoded + tag


def _one_array(values: pa.ChunkedArray) -> pa.Array:
    column = values.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _nulls_cut(column: pa.Array) -> Callable[[int, int], bytes]:
    if not column.null_count:
        return lambda *_: b"\x00"
    there = pc.cast(pc.is_valid(column), pa.uint8()).to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(there, dtype=np.int64)]).tolist()

    def cut(start: int, end: int) -> bytes:
        whole = before[end] - before[start] == end - start
        return b"\x00" if whole else b"\x01" + there[start:end].tobytes()

    return cut


def _encoded_values(column: pa.Array) -> tuple[bytes, np.ndarray | pa.Array]:  # noqa: PLR0911 one return a type
    """Return a column's type byte, and its values: numbers of fixed size, or binary."""
    kind = column.type
    if pa.types.is_integer(kind):
        return b"i", _filled(column.cast(pa.int64()), 0).astype("<i8")
    if pa.types.is_floating(kind):
        return b"f", _canonical_floats(_filled(column.cast(pa.float64()), 0.0))
    if pa.types.is_boolean(kind):
        return b"b", _filled(column.cast(pa.uint8()), 0)
    if pa.types.is_date(kind):
        return b"d", _filled(column.cast(pa.date32()).cast(pa.int32()), 0).astype("<i4")
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        return b"t", _filled(moments, 0).astype("<i8")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return b"s", column.cast(pa.string()).cast(pa.binary())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return b"x", column.cast(pa.binary())
    raise TypeError(f"a column of type {kind} has no canonical form")


def _filled(column: pa.Array, null: float) -> np.ndarray:
    return pc.fill_null(column, null).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _canonical_floats(values: np.ndarray) -> np.ndarray:
    plain = values.astype("<f8") + 0.0
    bits = plain.view(np.uint64)
    bits[np.isnan(plain)] = QUIET_NAN
    return bits.astype("<u8")


def _fixed_cut(values: np.ndarray) -> Cut:
    size, whole = values.itemsize, values.tobytes()
    return lambda start, end: [whole[start * size : end * size]]


def _distinct_cut(column: pa.Array) -> Cut:
    listed = cache(column.to_pylist)

    def cut(start: int, end: int) -> list[bytes]:
        few = end - start <= FEW_ROWS
        return _few_distinct(listed()[start:end]) if few else _many_distinct(column.slice(start, end - start))

    return cut


def _few_distinct(values: Sequence[bytes | None]) -> list[bytes]:
    seen: dict[bytes, int] = {}
    codes = [NULL_CODE if value is None else seen.setdefault(value, len(seen)) for value in values]
    framed = [struct.pack("<I", len(value)) + value for value in seen]
    return [struct.pack("<I", len(seen)), *framed, struct.pack(f"<{len(codes)}I", *codes)]


def _many_distinct(column: pa.Array) -> list[bytes]:
    encoded = column.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices.cast(pa.uint32()), NULL_CODE).to_numpy(zero_copy_only=False)
    values = b"".join(struct.pack("<I", len(value)) + value for value in distinct)
    return [struct.pack("<I", len(distinct)), values, codes.astype("<u4").tobytes()]
