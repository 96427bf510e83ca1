"""Rows as canonical bytes, and the content digest made of them (PROTOCOLS section 2).

Canonical rows `livinglab/rows/v1`, columns by name: u32 length and UTF-8 of the name, one type byte,
u64 row count, one byte 1 and a byte a row (1 = there) where any value is null, else one byte 0, then

- i integer: int64 · f number: float64 (every NaN is 0x7ff8000000000000, -0.0 is 0.0) · b boolean: uint8
- d date: int32 days since 1970 · t timestamp: int64 microseconds since 1970, UTC
- s text, x bytes: u32 count of distinct values in order of first appearance, each u32 length and bytes,
  then a u32 code a row

All little-endian; a null has value 0, or code 0xffffffff. Vectors: tests/vectors/rows.json.
"""

import hmac
import struct
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SUITE = b"livinglab/rows/v1"
NULL_CODE = 0xFFFFFFFF
QUIET_NAN = np.uint64(0x7FF8000000000000)


def canonical_rows(rows: pa.Table) -> Iterator[bytes]:
    """Yield the canonical bytes of a table, column by column, rows in the order given."""
    yield SUITE
    for name in sorted(rows.column_names):
        yield from _canonical_column(name, rows.column(name))


def _canonical_column(name: str, values: pa.ChunkedArray) -> Iterator[bytes]:
    column = values.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    tag, body = _encode_values(column)
    encoded = name.encode()
    yield struct.pack("<I", len(encoded)) + encoded + tag + struct.pack("<Q", len(column))
    if column.null_count:
        yield b"\x01" + pc.cast(pc.is_valid(column), pa.uint8()).to_numpy(zero_copy_only=False).tobytes()
    else:
        yield b"\x00"
    yield from body


def _encode_values(column: pa.Array) -> tuple[bytes, Sequence[bytes]]:  # noqa: PLR0911 one return a type
    kind = column.type
    if pa.types.is_integer(kind):
        return b"i", [_fixed(column.cast(pa.int64()), 0).astype("<i8").tobytes()]
    if pa.types.is_floating(kind):
        return b"f", [_canonical_floats(_fixed(column.cast(pa.float64()), 0.0))]
    if pa.types.is_boolean(kind):
        return b"b", [_fixed(column.cast(pa.uint8()), 0).tobytes()]
    if pa.types.is_date(kind):
        return b"d", [_fixed(column.cast(pa.date32()).cast(pa.int32()), 0).astype("<i4").tobytes()]
    if pa.types.is_timestamp(kind):
        return b"t", [
            _fixed(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), 0).astype("<i8").tobytes()
        ]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return b"s", _encode_distinct(column.cast(pa.string()).cast(pa.binary()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return b"x", _encode_distinct(column.cast(pa.binary()))
    raise TypeError(f"a column of type {kind} has no canonical form")


def _fixed(column: pa.Array, null: float) -> np.ndarray:
    return pc.fill_null(column, null).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _canonical_floats(values: np.ndarray) -> bytes:
    plain = values.astype("<f8") + 0.0
    bits = plain.view(np.uint64)
    bits[np.isnan(plain)] = QUIET_NAN
    return bits.astype("<u8").tobytes()


def _encode_distinct(column: pa.Array) -> list[bytes]:
    encoded = column.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices.cast(pa.uint32()), NULL_CODE).to_numpy(zero_copy_only=False)
    values = b"".join(struct.pack("<I", len(value)) + value for value in distinct)
    return [struct.pack("<I", len(distinct)), values, codes.astype("<u4").tobytes()]


def ordered_rows(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Return the rows in key order; nothing is copied where they stand so already."""
    if _in_order(rows, keys):
        return rows
    return rows.take(pc.sort_indices(rows, sort_keys=[(key, "ascending") for key in keys]))


def _in_order(rows: pa.Table, keys: Sequence[str]) -> bool:
    """Whether integer keys stand in order; anything else is sorted."""
    if len(rows) < 2:
        return True
    if any(
        not pa.types.is_integer(rows.schema.field(key).type) or rows.column(key).null_count for key in keys
    ):
        return False
    undecided = np.ones(len(rows) - 1, dtype=bool)
    for key in keys:
        values = rows.column(key).to_numpy()
        if bool(np.any(undecided & (values[1:] < values[:-1]))):
            return False
        undecided &= values[1:] == values[:-1]
    return True


def subjects_of(rows: pa.Table) -> set[str]:
    """Return the pseudonyms that occur in a table."""
    return {name for name in rows.column("subject").unique().to_pylist() if name}


def subject_rows(rows: pa.Table, keys: Sequence[str]) -> Iterator[tuple[str | None, pa.Table]]:
    """Yield (pseudonym, that subject's rows in key order); rows without a subject come under None."""
    codes = rows.column("subject").combine_chunks().dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    names: list[str | None] = [*codes.dictionary.to_pylist(), None]
    numbers = pc.fill_null(codes.indices, len(names) - 1).to_numpy(zero_copy_only=False)
    order = np.argsort(numbers, kind="stable")
    edges = np.flatnonzero(np.diff(numbers[order])) + 1
    for chosen in np.split(order, edges):
        if len(chosen):
            yield names[int(numbers[chosen[0]])], ordered_rows(_pick(rows, chosen), keys)


def _pick(rows: pa.Table, chosen: np.ndarray) -> pa.Table:
    first, last = int(chosen[0]), int(chosen[-1])
    if last - first + 1 == len(chosen):
        return rows.slice(first, len(chosen))
    return rows.take(pa.array(chosen))


def content_leaf(key: bytes, table: str, intent: str, pseudonym: str, rows: pa.Table) -> str:
    """Return one subject's leaf: HMAC-SHA-256 over table, intent, pseudonym and canonical rows, in hex."""
    mac = hmac.new(key, digestmod="sha256")
    for text in (table, intent, pseudonym):
        encoded = text.encode()
        mac.update(struct.pack("<I", len(encoded)) + encoded)
    for piece in canonical_rows(rows):
        mac.update(piece)
    return mac.hexdigest()


def content_leaves(
    rows: pa.Table,
    keys: Sequence[str],
    *,
    table: str,
    intents: Mapping[str, str],
    digest_keys: Mapping[str, bytes],
) -> dict[str, str]:
    """Return {pseudonym: leaf}; rows without a subject are under the empty name.

    `intents` and `digest_keys` are by pseudonym; `rows` must hold all rows of each subject in it.
    """
    return {
        pseudonym or "": content_leaf(
            digest_keys[pseudonym or ""], table, intents[pseudonym or ""], pseudonym or "", own
        )
        for pseudonym, own in subject_rows(rows, keys)
    }
