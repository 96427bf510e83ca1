"""The rows of a query as a table for people, CSV, JSON or Parquet."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from lakehouse.cli.output import as_document, print_table

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet may run a cell that begins so (OWASP, CSV injection)."""
WIDEST_LINE = 10_000
"""A file has no edge: columns stay beside each other."""


def as_table(rows: pa.Table) -> str:
    """Return the table as it stands on a wide screen, without colours; null is a dash."""
    text = io.StringIO()
    stored = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    values = [[as_document(value) for value in row] for row in stored]
    print_table(Console(file=text, width=WIDEST_LINE, color_system=None), rows.column_names, values)
    return text.getvalue()


def as_csv(rows: pa.Table) -> str:
    """Return CSV with a header; null is empty, text that looks like a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_defused(name) for name in rows.column_names])
    for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        writer.writerow([_defused(value) for value in row])
    return text.getvalue()


def as_json_rows(rows: pa.Table) -> str:
    """Return a JSON list of one object a row; NaN is null."""
    return json.dumps(as_document(rows.to_pylist()), allow_nan=False, indent=2) + "\n"


def as_parquet(rows: pa.Table) -> bytes:
    """Return the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _defused(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
