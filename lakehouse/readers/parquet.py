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
from lakehouse.readers.archives import ALWAYS_ALLOWED, EXPANSION_LIMIT
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Lines, build_rows
from lakehouse.readers.whole_files import COLUMN_LIMIT, reject_file

_TEXT_KINDS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
CELLS_ALWAYS_ALLOWED = 200_000
CELLS_A_BYTE = 20
Cells = Mapping[str, list[str | None]]


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the rows of one file; `received` counts its records."""
    Section(contract.format_options, file=contract.file, place="format_options").finish()
    try:
        cells = text_columns(file.load())
    except UnreadableInput as problem:
        return reject_file(file, contract, str(problem.facts.get("reason", "unreadable_file")))
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
        table = _bounded_table(data)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableInput("the file is no whole Parquet file", remedy="give it anew") from error
    if len(set(table.column_names)) < table.num_columns:
        raise UnreadableInput("two columns have one name", remedy="name each column once")
    table = table.slice(0, rows) if rows is not None else table
    return {name: _texts(table.column(name)) for name in table.column_names}


def _bounded_table(data: bytes) -> pa.Table:
    """Return the table unless it is a bomb: a run or a dictionary can stand for any number of cells."""
    about = pq.ParquetFile(io.BytesIO(data))
    cells = about.metadata.num_rows * about.metadata.num_columns
    texts = [field.name for field in about.schema_arrow if _is_text(field.type)]
    if about.metadata.num_columns > COLUMN_LIMIT:
        raise UnreadableInput(
            f"the file has {about.metadata.num_columns:,} columns; {COLUMN_LIMIT:,} can be read",
            remedy="split it by columns",
            reason="too_many_columns",
        )
    if cells > max(CELLS_ALWAYS_ALLOWED, CELLS_A_BYTE * len(data)):
        raise _bomb()
    table = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts).read()
    size = sum(_text_size(chunk) for name in texts for chunk in table.column(name).chunks)
    if size > max(ALWAYS_ALLOWED, EXPANSION_LIMIT * len(data)):
        raise _bomb()
    return table


def _is_text(kind: pa.DataType) -> bool:
    own = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_kind(own) for is_kind in _TEXT_KINDS)


def _text_size(chunk: pa.Array) -> int:
    """Return how many bytes a column of text takes once each cell holds its own."""
    if not pa.types.is_dictionary(chunk.type):
        return int(chunk.nbytes)
    lengths = pc.cast(pc.binary_length(chunk.dictionary), pa.int64())
    return int(pc.sum(lengths.take(chunk.indices)).as_py() or 0)


def _bomb() -> UnreadableInput:
    return UnreadableInput("the file holds far more cells than its size explains", remedy="split it")


def _texts(values: pa.ChunkedArray) -> list[str | None]:
    """Return values as text: numbers and times as Arrow writes them, lists and records as JSON."""
    try:
        return list(pc.cast(values, pa.string()).to_pylist())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
