"""Parquet: a record a row; every value becomes text and is cast as the contract says, as other formats are.

A row that is set aside keeps its cells as a JSON object. There are no `[format_options]`.
"""

import pyarrow as pa

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile
from lakehouse.readers.parquet_cells import PACKING, PART_CELLS, Cells, ParquetCells
from lakehouse.readers.streamed_tables import numbered_rows, open_cells, stream_table
from lakehouse.readers.text_rows import build_rows
from lakehouse.readers.whole_files import reject_file


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its records."""
    _require_no_options(contract)
    data = file.load()
    try:
        cells = text_columns(data)
    except UnreadableInput as problem:
        return reject_file(file, contract, str(problem.facts["reason"]))
    count = len(next(iter(cells.values()), []))
    lines = numbered_rows(file.number, 1, count, cells)
    return build_rows(file, contract, lines, cells, received=count, unpacked=PACKING * len(data))


def stream(file: InputFile, contract: DatasetContract) -> FoundRows:
    """Return what `read` does, in parts where the file, or what it holds, is too large for memory."""
    _require_no_options(contract)
    return stream_table(file, contract) if file.is_large or _holds_much(file) else read(file, contract)


def text_columns(data: bytes, rows: int | None = None) -> Cells:
    """Return the columns of a Parquet file as text by name, the first `rows` of them.

    Raises UnreadableInput: not Parquet, damaged, a bomb, or two columns of one name.
    """
    table = ParquetCells(pa.BufferReader(data))
    columns: dict[str, list[str | None]] = {name: [] for name in table.names}
    left = table.cells if rows is None else rows
    for count, cells in table.batches(PART_CELLS):
        for name, values in cells.items():
            columns[name] += values[:left]
        left -= count
        if left <= 0:
            break
    return columns


def _require_no_options(contract: DatasetContract) -> None:
    Section(contract.format_options, file=contract.file, place="format_options").finish()


def _holds_much(file: InputFile) -> bool:
    """A few bytes can be many rows; what is no Parquet file is small enough to be set aside."""
    try:
        with open_cells(file) as table:
            return table.cells > PART_CELLS
    except UnreadableInput:
        return False
