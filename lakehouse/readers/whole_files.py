"""What is decided about a file as a whole, before its rows are looked at."""

import hashlib
from collections.abc import Collection

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.core.contract import DatasetContract
from lakehouse.readers.input_files import FileRows, InputFile, RejectedRow

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_LIMIT = 2**24
FAULT_LIMIT = 20_000
COLUMN_LIMIT = 2**12
"""The widest exports of studies have some thousand columns; each costs a name and a look at its values."""
ALWAYS_SPREAD = 2**26
SPREAD_LIMIT = 32
"""Undeclared columns may take 64 MiB, or 32 times their file: a name may be longer than its cell."""
_CELL_BYTES = 16


def spread_of(names: Collection[str]) -> int:
    """Return how many bytes a row takes for its cells under undeclared columns: it repeats their names."""
    return sum(_CELL_BYTES + len(name) for name in names)


def too_many_columns(undeclared: Collection[str], rows: int, size: int) -> bool:
    """Whether the undeclared columns of a file would take far more place than its bytes.

    Lines may leave cells out: a header of commas, or a new key a line, would make any number of them.
    """
    return rows * spread_of(undeclared) > max(ALWAYS_SPREAD, SPREAD_LIMIT * size)


def mostly_faults(faults: int, sound: int) -> bool:
    """Whether a file is not what it should be: many lines that cannot be read, and more than those that can.

    It is then set aside as one; a place for each line would cost more than the file.
    """
    return faults > FAULT_LIMIT and faults > sound


def file_fault(data: bytes) -> str | None:
    """Return why a file cannot be text at all, as a reason code, or None."""
    if data.startswith(_WIDE_MARKS):
        return "bad_encoding"
    return "unreadable_file" if not data or b"\0" in data else None


def reject_file(
    file: InputFile, contract: DatasetContract, reason: str, column: str | None = None
) -> FileRows:
    """Return a file set aside as a whole: one received, one rejected."""
    data = file.load()
    return FileRows(
        file=file.number,
        digest=hashlib.sha256(data).digest(),
        identity="",
        rows=empty_rows(contract),
        rejected=(RejectedRow(file=file.number, row=None, reason=reason, column=column, raw=data),),
        received=1,
    )


def empty_rows(contract: DatasetContract) -> pa.Table:
    """Return a table without rows: `row` and the contract's columns."""
    fields = [pa.field(column.name, ARROW_TYPES[column.type]) for column in contract.columns]
    return pa.schema([pa.field("row", pa.int64()), *fields]).empty_table()
