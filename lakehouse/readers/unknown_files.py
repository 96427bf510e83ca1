"""Unknown files: CSV, TSV, JSON lines or Parquet, told apart by what is in them."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import UnreadableInput
from lakehouse.readers.csv import column_names
from lakehouse.readers.json_values import json_text, parse_json
from lakehouse.readers.parquet import text_columns
from lakehouse.readers.whole_files import COLUMN_LIMIT

DELIMITERS = ",\t;|"
ROWS_READ = 200_000
BYTES_READ = 64 << 20
PARQUET = b"PAR1"
SUFFIX = re.compile(r"\.[a-z]{1,8}")
"""A longer or numbered ending of a file's name may say whose file it is."""

Cells = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFile:
    """A file's cells by column, as text, and how a contract says that it is read."""

    format: str
    options: Mapping[str, object]
    cells: Cells
    suffix: str


def read_unknown_file(path: Path) -> UnknownFile:
    """Return the first `ROWS_READ` rows of a CSV, TSV, JSON lines or Parquet file, known by what is in it.

    Raises UnreadableInput: not there, not text, no rows, or no columns.
    """
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_READ)
            data += file.read() if data[:4] == PARQUET else file.readline(BYTES_READ)
    except OSError as error:
        raise UnreadableInput("the file cannot be read", remedy="give a file that is there") from error
    suffix = path.suffix.lower() if SUFFIX.fullmatch(path.suffix.lower()) else ""
    if data[:4] == PARQUET:
        columns = text_columns(data, ROWS_READ)
        return UnknownFile(format="parquet", options={}, cells=columns, suffix=f"*{suffix}")
    lines = _text_lines(data)
    if lines[0].lstrip().startswith("{"):
        cells = _json_cells(lines[:ROWS_READ])
        return UnknownFile(format="json_lines", options={}, cells=cells, suffix=f"*{suffix}")
    return _delimited(lines[: ROWS_READ + 1], suffix)


def _require_few(columns: int) -> None:
    if columns > COLUMN_LIMIT:
        raise UnreadableInput(
            f"the file has {columns:,} columns; {COLUMN_LIMIT:,} can be read", remedy="split it by columns"
        )


def _text_lines(data: bytes) -> list[str]:
    try:
        lines = [line.removesuffix("\r") for line in data.decode("utf-8-sig").split("\n") if line.strip()]
    except UnicodeDecodeError as error:
        raise UnreadableInput("the file is no UTF-8 text", remedy="convert it, then propose") from error
    if not lines:
        raise UnreadableInput("the file has no rows", remedy="give a file with data")
    return lines


def _delimited(lines: Sequence[str], suffix: str) -> UnknownFile:
    delimiter = max(DELIMITERS, key=lambda sign: min(line.count(sign) for line in lines[:20]))
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    except csv.Error as error:
        raise UnreadableInput("a line is no delimited text", remedy="give a file of fields") from error
    _require_few(max(map(len, rows)))
    header = _is_header(rows[0])
    names = column_names(rows[0]) if header else [f"column_{n}" for n in range(1, len(rows[0]) + 1)]
    cells = {
        name: [row[place] if place < len(row) else "" for row in rows[header:]]
        for place, name in enumerate(names)
        if name
    }
    if len(rows) <= header or not cells:
        raise UnreadableInput("the file has no rows under a header", remedy="give a file with data")
    options: dict[str, object] = {} if delimiter == "," else {"delimiter": delimiter}
    options |= {} if header else {"header": False}
    return UnknownFile(format="csv", options=options, cells=cells, suffix=f"*{suffix}")


def _is_header(fields: Sequence[str]) -> bool:
    """Names are words, each once: a line with a number, a date or an address in it is data."""
    named = [field.strip() for field in fields if field.strip()]
    worded = all(re.match(r"[^\W\d]", field) and "@" not in field and len(field) < 64 for field in named)
    return bool(named) and worded and len(set(named)) == len(named)


def _json_cells(lines: Sequence[str]) -> Cells:
    try:
        records = [parse_json(line) for line in lines]
    except UnreadableInput as error:
        raise UnreadableInput("a line is not JSON", remedy="one object a line") from error
    objects = [record for record in records if isinstance(record, dict)]
    if len(objects) < len(records):
        raise UnreadableInput("a line is no JSON object", remedy="one object a line")
    keys = dict.fromkeys(key for record in objects for key in record)
    _require_few(len(keys))
    return {key: [json_text(record.get(key)) for record in objects] for key in keys}
