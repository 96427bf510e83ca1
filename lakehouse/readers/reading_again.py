"""Rows that were set aside, read again by their reader under the contract there is now.

What a line needs beside itself (its file's header, or its file's name) was sealed in front of it. Rows of
one file are read together, as a file of their own, so that a line which stands twice among them is seen.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.core.contract import DatasetContract
from lakehouse.readers import find_reader
from lakehouse.readers.csv import csv_options
from lakehouse.readers.fhir_again import join_entries, parse_entry
from lakehouse.readers.input_files import FileRows, InputFile, RejectedRow
from lakehouse.readers.text_rows import Lines, build_rows

FRAME_LIMIT = 4096
"""A longer header is not sealed beside each line: such lines are not read again one by one."""
NAMED_FILES = frozenset({"daphnet", "gaitpdb_walks"})
"""Formats in which the name of a file says whose it is."""
TYPED_FORMATS = frozenset({"csv", "json_lines", "parquet"})
LINE_NUMBER = "sample"
"""What recordings of sensors count by line, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideRow:
    """A row as it was set aside: its number in the file (None: the file as a whole) and what was sealed."""

    row: int | None
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """Rows as one file: its bytes, its name where the format reads that, the rows in their order."""

    data: bytes
    rows: Sequence[AsideRow]
    name: str = ""


def framed(contract: DatasetContract, frame: bytes, row: RejectedRow) -> bytes:
    """Return what is sealed of a row: the frame on a line of its own, then the row as it came.

    A file set aside as a whole has its own header; only its name is put in front of it.
    """
    whole = row.row is None and contract.format not in NAMED_FILES
    return row.raw if whole or not frame or len(frame) > FRAME_LIMIT else frame + b"\n" + row.raw


def read_again(
    rows: Sequence[AsideRow], contract: DatasetContract, *, file: int, patients: Sequence[str] = ()
) -> list[FileRows]:
    """Return what the reader makes of rows of one file now, each under its own number in that file.

    `patients`: ids of the one person whom FHIR resources among them are about, if known. Rows that cannot
    be read one by one (no frame, a format without lines) are in none of the results.
    """
    whole = [_read(contract, file, _whole_file(contract, row.raw)) for row in rows if row.row is None]
    single = [row for row in rows if row.row is not None]
    typed = [(row, cells) for row in single if (cells := _typed_cells(row, contract)) is not None]
    lines = [row for row in single if not any(row is own for own, _ in typed)]
    join = _JOINS.get(contract.format or "")
    joined = join(contract, lines, patients) if join is not None and lines else []
    read = [found for own in joined if (found := _read_rows(contract, file, own)) is not None]
    return [*whole, *read, *([_read_cells(contract, file, typed)] if typed else [])]


def _typed_cells(row: AsideRow, contract: DatasetContract) -> Mapping[str, str | None] | None:
    """Return the cells of a row that land had accepted and took out again, None where it is a row as it came.

    Such a row was sealed as a JSON object: its number, and its values under the contract's names.
    """
    if contract.format not in TYPED_FORMATS or not row.raw.startswith(b"{"):
        return None
    try:
        found = json.loads(row.raw)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.pop("row", None) != row.row:
        return None
    sources = {column.name: str(column.source) for column in contract.columns}
    return {sources.get(str(name), str(name)): _cell(value) for name, value in found.items()}


def _cell(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _read_cells(
    contract: DatasetContract, file: int, rows: Sequence[tuple[AsideRow, Mapping[str, str | None]]]
) -> FileRows:
    lines = Lines(file=file)
    for row, _ in rows:
        lines.keep(row.row or 0, row.raw)
    names = dict.fromkeys(name for _, cells in rows for name in cells)
    columns = {name: [cells.get(name) for _, cells in rows] for name in names}
    source = InputFile(number=file, name="", load=lambda: b"\n".join(lines.raws))
    return build_rows(source, contract, lines, columns, received=len(rows))


def _read(contract: DatasetContract, file: int, joined: _Joined) -> FileRows:
    read = find_reader(contract.format or "", file=contract.file)
    return read(InputFile(number=file, name=joined.name, load=lambda: joined.data), contract)


def _read_rows(contract: DatasetContract, file: int, joined: _Joined) -> FileRows | None:
    """Return the rows under their numbers, None where the reader takes them for no file of its format."""
    found = _read(contract, file, joined)
    if any(row.row is None for row in found.rejected):
        return None
    numbers = [row.row for row in joined.rows]
    own = pc.less_equal(found.rows.column("row"), len(numbers))
    rows = found.rows.filter(own)
    places = pa.array([numbers[place - 1] for place in rows.column("row").to_pylist()], pa.int64())
    rows = rows.set_column(rows.column_names.index("row"), "row", places)
    rejected = tuple(
        replace(row, row=numbers[row.row - 1])
        for row in found.rejected
        if row.row is not None and row.row <= len(numbers)
    )
    return replace(found, rows=_renumbered(rows, contract), rejected=rejected)


def _renumbered(rows: pa.Table, contract: DatasetContract) -> pa.Table:
    """Samples of a recording are counted by line: by the line where they stood."""
    name = next((column.name for column in contract.columns if column.source == LINE_NUMBER), None)
    if contract.format not in NAMED_FILES or name not in rows.column_names:
        return rows
    counted = pc.subtract(rows.column("row"), 1)
    return rows.set_column(rows.column_names.index(name), name, counted)


def _whole_file(contract: DatasetContract, raw: bytes) -> _Joined:
    name, _, data = raw.partition(b"\n")
    if contract.format not in NAMED_FILES or b"\t" in name:
        return _Joined(data=raw, rows=())
    return _Joined(data=data, rows=(), name=name.decode("utf-8", "surrogateescape"))


def _by_frame(rows: Sequence[AsideRow]) -> Mapping[bytes, list[AsideRow]]:
    """Return the rows that have a frame, by it, without it."""
    found: dict[bytes, list[AsideRow]] = {}
    for row in rows:
        frame, end, line = row.raw.partition(b"\n")
        if end:
            found.setdefault(frame, []).append(replace(row, raw=line))
    return found


def _lines(rows: Sequence[AsideRow]) -> bytes:
    return b"\n".join(row.raw for row in rows) + b"\n"


def _join_lines(
    _contract: DatasetContract, rows: Sequence[AsideRow], _patients: Sequence[str]
) -> list[_Joined]:
    one_line = [row for row in rows if b"\n" not in row.raw]
    return [_Joined(data=_lines(one_line), rows=one_line)] if one_line else []


def _join_csv(contract: DatasetContract, rows: Sequence[AsideRow], patients: Sequence[str]) -> list[_Joined]:
    if not csv_options(contract).header:
        return _join_lines(contract, rows, patients)
    return [_Joined(data=header + b"\n" + _lines(own), rows=own) for header, own in _by_frame(rows).items()]


def _join_recording(
    _contract: DatasetContract, rows: Sequence[AsideRow], _patients: Sequence[str]
) -> list[_Joined]:
    return [
        _Joined(data=_lines(own), rows=own, name=name.decode("utf-8", "surrogateescape"))
        for name, own in _by_frame(rows).items()
    ]


def _join_resources(
    _contract: DatasetContract, rows: Sequence[AsideRow], patients: Sequence[str]
) -> list[_Joined]:
    found = [(row, entry) for row in rows if (entry := parse_entry(row.raw)) is not None]
    if not found:
        return []
    data = join_entries([entry for _, entry in found], patients)
    return [_Joined(data=data, rows=[row for row, _ in found])]


def _join_records(
    _contract: DatasetContract, rows: Sequence[AsideRow], _patients: Sequence[str]
) -> list[_Joined]:
    """Cells were kept as JSON objects: as columns of text they are the Parquet file that they came from."""
    records = [json.loads(row.raw) for row in rows]
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: pa.array([record.get(name) for record in records], pa.string()) for name in names}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return [_Joined(data=stream.getvalue(), rows=rows)]


_JOINS: Mapping[str, Callable[[DatasetContract, Sequence[AsideRow], Sequence[str]], list[_Joined]]] = {
    "csv": _join_csv,
    "daphnet": _join_recording,
    "fhir_bundle": _join_resources,
    "gaitpdb_walks": _join_recording,
    "json_lines": _join_lines,
    "parquet": _join_records,
}
