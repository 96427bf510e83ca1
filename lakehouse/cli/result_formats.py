"""The rows of a query as a table for people, CSV, JSON or Parquet.

One result is the same text in each of them: what a spreadsheet could run gets an apostrophe, in values and
in names of columns.
"""

import csv
import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from lakehouse.cli.output import as_document, print_table
from lakehouse.core.formulas import without_formula

WIDEST_LINE = 10_000
"""A file has no edge: columns stay beside each other."""


def as_table(rows: pa.Table) -> str:
    """Return the table as it stands on a wide screen, without colours; null is a dash."""
    text = io.StringIO()
    values = [[as_document(cell_text(value)) for value in row] for row in _stored(rows)]
    names = [str(cell_text(name)) for name in rows.column_names]
    print_table(Console(file=text, width=WIDEST_LINE, color_system=None), names, values)
    return text.getvalue()


def as_csv(rows: pa.Table) -> str:
    """Return CSV with a header; null is empty, text that looks like a formula gets an apostrophe.

    `csv` leaves a carriage return bare, and a reader ends the row there: such rows are quoted.
    """
    text = io.StringIO()
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in (tuple(rows.column_names), *_stored(rows)):
        cells = ["" if value is None else defused(value) for value in row]
        (quoted if any(isinstance(cell, str) and "\r" in cell for cell in cells) else plain).writerow(cells)
    return text.getvalue()


def as_json_rows(rows: pa.Table) -> str:
    """Return a JSON list of one object a row; NaN is null."""
    names = [without_formula(name) for name in rows.column_names]
    listed = [dict(zip(names, map(defused, row), strict=True)) for row in _stored(rows)]
    return json.dumps(as_document(listed), allow_nan=False, indent=2) + "\n"


def as_parquet(rows: pa.Table) -> bytes:
    """Return the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(_defused_columns(rows), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def cell_text(value: object) -> object:
    """Return a value as the cell of a table for people: defused, and on one line."""
    safe = defused(value)
    return safe.replace("\n", "\\n") if isinstance(safe, str) else safe


def defused(value: object) -> object:
    """Return a value that no spreadsheet runs; lists and records hold none either, numbers stay numbers."""
    match value:
        case str():
            return without_formula(value)
        case list():
            return [defused(item) for item in value]
        case dict():
            return {key: defused(item) for key, item in value.items()}
        case _:
            return value


def _stored(rows: pa.Table) -> Iterator[tuple[object, ...]]:
    return zip(*(column.to_pylist() for column in rows.columns), strict=True)


def _defused_columns(rows: pa.Table) -> pa.Table:
    """Return the table with its columns of text defused; a type changes nowhere."""
    columns = []
    for column in rows.columns:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        numeric = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
        columns.append(column if numeric else pa.array(map(defused, column.to_pylist()), kind))
    return pa.table(columns, names=[without_formula(name) for name in rows.column_names])
