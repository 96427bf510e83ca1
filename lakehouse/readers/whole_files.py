"""What is decided about a file as a whole, before its rows are looked at."""

import hashlib

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.core.contract import DatasetContract
from lakehouse.readers.input_files import FileRows, InputFile, RejectedRow

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_LIMIT = 2**24
FAULT_LIMIT = 20_000


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
