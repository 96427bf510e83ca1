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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.canonical_columns import column_cut, single_rows
from lakehouse.core.many_macs import paired_macs

SUITE = b"livinglab/rows/v1"
BLOCK_ROWS = 2**16
"""Rows that are put in order and encoded at a time; a person with more of them is one block."""


def canonical_rows(rows: pa.Table) -> Iterator[bytes]:
    """Yield the canonical bytes of a table, column by column, rows in the order given."""
    yield SUITE
    for name in sorted(rows.column_names):
        yield from column_cut(name, rows.column(name))(0, len(rows))


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


def content_leaf(key: bytes, table: str, intent: str, pseudonym: str, rows: pa.Table) -> str:
    """Return one subject's leaf: HMAC-SHA-256 over table, intent, pseudonym and canonical rows, in hex."""
    head = _framed(table) + _framed(intent) + _framed(pseudonym)
    return hmac.digest(key, b"".join([head, *canonical_rows(rows)]), "sha256").hex()


def _framed(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(4, "little") + encoded


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
    begun = cache(lambda intent: _framed(table) + _framed(intent))

    def head(pseudonym: str) -> bytes:
        return begun(intents[pseudonym]) + _framed(pseudonym)

    leaves: dict[str, str] = {}
    for block in _blocks(rows, keys):
        names, messages = _people_messages(block, head)
        macs = paired_macs(zip(map(digest_keys.__getitem__, names), messages, strict=True))
        leaves.update(zip(names, map(bytes.hex, macs), strict=True))
    return leaves


def _people_messages(block: pa.Table, head: Callable[[str], bytes]) -> tuple[list[str], Iterator[bytes]]:
    """Return the subjects of a block, and of each its head with the canonical bytes of its rows."""
    starts, sizes = _runs(block)
    alone, several = np.flatnonzero(sizes == 1), np.flatnonzero(sizes > 1)
    places = pa.array(starts[np.concatenate([alone, several])])
    names = [name or "" for name in block.column("subject").take(places).to_pylist()]
    heads = map(head, names)
    apart = _rows_alone(block, starts[alone], heads)
    return names, chain(apart, _rows_together(block, starts[several], sizes[several], heads))


def _rows_alone(block: pa.Table, places: np.ndarray, heads: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a head and the canonical bytes of one row, as a table of its own, for each of these places."""
    if len(places):
        rows = block.take(pa.array(places))
        columns = [single_rows(name, rows.column(name)) for name in sorted(rows.column_names)]
        suite, nothing = (pa.scalar(text, pa.large_binary()) for text in (SUITE, b""))
        whole = pc.binary_join_element_wise(suite, *columns, nothing).to_pylist()
        yield from (next(heads) + body for body in whole)


def _rows_together(
    block: pa.Table, starts: np.ndarray, sizes: np.ndarray, heads: Iterator[bytes]
) -> Iterator[bytes]:
    """Yield a head and the canonical bytes of each run of rows."""
    if len(starts):
        cuts = [column_cut(name, block.column(name)) for name in sorted(block.column_names)]
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            pieces = (piece for cut in cuts for piece in cut(start, start + size))
            yield b"".join([next(heads), SUITE, *pieces])


def _blocks(rows: pa.Table, keys: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows in blocks: a subject's rows stand together in one of them, in key order."""
    numbers = _subject_numbers(rows)
    order = np.argsort(numbers, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(numbers[order])) + 1).tolist(), len(rows)]
    whole = rows.combine_chunks()
    start = 0
    for edge, following in zip(edges, [*edges[1:], len(rows)], strict=True):
        if edge > start and (edge == len(rows) or following - start > BLOCK_ROWS):
            block = _pick(whole, order[start:edge])
            yield _in_key_order(block, numbers[order[start:edge]], keys)
            start = edge


def _subject_numbers(rows: pa.Table) -> np.ndarray:
    """Return a number a row (n) that is the same for rows of one subject; none has the largest."""
    codes = rows.column("subject").combine_chunks().dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    return pc.fill_null(codes.indices, len(codes.dictionary)).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _in_key_order(block: pa.Table, numbers: np.ndarray, keys: Sequence[str]) -> pa.Table:
    """Return rows that stand by subject with each subject's in key order."""
    by = "subject's number"
    return ordered_rows(block.append_column(by, pa.array(numbers)), [by, *keys]).drop_columns([by])


def _pick(rows: pa.Table, chosen: np.ndarray) -> pa.Table:
    first = int(chosen[0])
    if bool(np.all(np.diff(chosen) == 1)):
        return rows.slice(first, len(chosen))
    return rows.take(pa.array(chosen))


def _runs(block: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each subject and how many rows there are of it."""
    numbers = _subject_numbers(block)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    return starts, np.diff(starts, append=len(numbers))
