"""Parquet: a record a row; every value becomes text and is cast as the contract says, as other formats are.

A row that is set aside keeps its cells as a JSON object. There are no `[format_options]`.
"""

import io
import json
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Lines, build_rows
from lakehouse.readers.whole_files import reject_file

Cells = Mapping[str, list[str | None]]


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its records."""
    Section(contract.format_options, file=contract.file, place="format_options").finish()
    try:
        cells = text_columns(file.load())
    except UnreadableInput:
        return reject_file(file, contract, "unreadable_file")
    lines = Lines(file=file.number)
    count = len(next(iter(cells.values()), []))
    for number in range(count):
        row = {name: values[number] for name, values in cells.items()}
        lines.keep(number + 1, json.dumps(row, ensure_ascii=False).encode())
    return build_rows(file, contract, lines, cells, received=count)


def text_columns(data: bytes, rows: int | None = None) -> Cells:
    """Return the columns of a Parquet file as text by name, the first `rows` of them.

    Raises UnreadableInput: not Parquet, damaged, or two columns of one name.
    """
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise UnreadableInput("the file is no whole Parquet file", remedy="give it anew") from error
    if len(set(table.column_names)) < table.num_columns:
        raise UnreadableInput("two columns have one name", remedy="name each column once")
    table = table.slice(0, rows) if rows is not None else table
    return {name: _texts(table.column(name)) for name in table.column_names}


def _texts(values: pa.ChunkedArray) -> list[str | None]:
    """Return values as text: numbers and times as Arrow writes them, lists and records as JSON."""
    try:
        return list(pc.cast(values, pa.string()).to_pylist())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
