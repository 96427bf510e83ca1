"""Open sealed columns of bronze, in memory, for refine and access."""

from collections.abc import Mapping

import pyarrow as pa

from lakehouse.core.contract import SEALED
from lakehouse.methods.seal import open_values


def open_column(
    rows: pa.Table, column: str, keys: Mapping[str, bytes], *, table: str, by_row: bool = False
) -> pa.Array:
    """Return text (n): the opened `<column>__sealed` of bronze rows.

    rows: holds `subject`, `batch`, `row` and the sealed column. keys: pseudonym -> `seal` key.
    by_row: the row number is part of the place (free text). Raises Damaged for what does not open.
    """
    return open_values(
        _whole(rows, f"{column}{SEALED}"),
        _whole(rows, "subject"),
        keys,
        table=table,
        column=column,
        batches=_whole(rows, "batch"),
        rows=_whole(rows, "row") if by_row else None,
    )


def _whole(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
