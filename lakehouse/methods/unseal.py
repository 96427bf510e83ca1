"""Open sealed columns of bronze, in memory, for refine and access."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from lakehouse.core.contract import SEALED
from lakehouse.methods.seal import CellCipher

OPENED_ROWS = 2**14
"""Rows whose ciphers are held at a time."""


def open_columns(
    rows: pa.Table, columns: Mapping[str, bool], keys: Mapping[str, bytes], *, table: str
) -> dict[str, pa.ChunkedArray]:
    """Return text (n) by column: each opened `<column>__sealed` of bronze rows.

    rows: holds `subject`, `batch`, `row` and the sealed columns. columns: name -> whether the row number is
    part of the place (free text). keys: pseudonym -> `seal` key. Raises Damaged for what does not open.
    """
    opened: dict[str, list[pa.Array]] = {name: [] for name in columns}
    for start in range(0, len(rows), OPENED_ROWS):
        block = rows.slice(start, OPENED_ROWS)
        for name, texts in _open_block(block, columns, keys, table):
            opened[name].append(texts)
    return {name: pa.chunked_array(texts, pa.string()) for name, texts in opened.items()}


def open_column(
    rows: pa.Table, column: str, keys: Mapping[str, bytes], *, table: str, by_row: bool = False
) -> pa.ChunkedArray:
    """Return text (n): one column as `open_columns` opens it."""
    return open_columns(rows, {column: by_row}, keys, table=table)[column]


def _open_block(
    rows: pa.Table, columns: Mapping[str, bool], keys: Mapping[str, bytes], table: str
) -> Iterator[tuple[str, pa.Array]]:
    def whole(name: str) -> pa.Array:
        return rows.column(name).combine_chunks()

    cipher = CellCipher(whole("subject"), whole("batch"), keys, table=table)
    for name, by_row in columns.items():
        yield name, cipher.open(name, whole(f"{name}{SEALED}"), whole("row") if by_row else None)
