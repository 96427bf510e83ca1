"""Large Parquet files: read three times instead of held in memory.

The bytes tell the digest. The rows, a batch at a time, tell what only all of them together say. Then they
are handed over in parts, the same ones that the file read whole would give.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pyarrow as pa

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import Failure
from lakehouse.readers.hashed_lines import CHUNK, HashedFile
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile
from lakehouse.readers.large_files import (
    LargeFile,
    changed_while_read,
    require_readable_size,
    set_aside_large,
)
from lakehouse.readers.line_files import PART_ROWS, rows_a_part
from lakehouse.readers.parquet_cells import PACKING, Cells, ParquetCells
from lakehouse.readers.text_rows import FileFacts, FileSurvey, Lines, RowSorter, filled_columns, part_rows


def stream_table(file: InputFile, contract: DatasetContract, *, rows: int = PART_ROWS) -> FoundRows:
    """Return a large file, looked through; or, where it is set aside as a whole, what it is set aside as.

    Raises:
        UnreadableInput: it may not be read, is too large, or what must be set aside of it is too large to
            be kept.
    """
    require_readable_size(file)
    digest = _digest_of(file)
    try:
        with open_cells(file) as table:
            about = _survey(file, contract, table, digest, rows)
    except UnreadableInput as problem:
        about = Failure(reason=str(problem.facts["reason"]), column="")
    if isinstance(about, Failure):
        return set_aside_large(file, contract, about)
    most = rows_a_part(about.undeclared, rows)
    return LargeFile(source=file, digest=digest, read=partial(_table_rows, file, contract, about, most))


@contextmanager
def open_cells(file: InputFile) -> Iterator[ParquetCells]:
    """Open a file for reading its cells; raises UnreadableInput with the fact `reason`."""
    try:
        source = pa.OSFile(str(file.path)) if file.path else pa.BufferReader(file.load())
    except OSError as problem:
        raise UnreadableInput(
            "an input file may not be read", remedy="check its permissions", reason="unreadable_file"
        ) from problem
    with source:
        yield ParquetCells(source)


def numbered_rows(file: int, first: int, count: int, cells: Cells) -> Lines:
    """Return rows as the lines of a file, the first of them under its number; a row is a JSON object."""
    lines = Lines(file=file)
    for place in range(count):
        row = {name: values[place] for name, values in cells.items()}
        lines.keep(first + place, json.dumps(row, ensure_ascii=False).encode())
    return lines


def _survey(
    file: InputFile, contract: DatasetContract, table: ParquetCells, digest: bytes, rows: int
) -> FileFacts | Failure:
    """Read all rows once, keep nothing of them but what they say together."""
    sorter, survey = RowSorter(contract), FileSurvey(contract)
    number = 1
    for count, cells in table.batches(rows):
        lines = numbered_rows(file.number, number, count, cells)
        survey.take(sorter.sort(lines, cells), filled_columns(cells))
        number += count
    undeclared = survey.undeclared(table.names)
    if survey.has_too_many(undeclared, PACKING * table.size):
        return survey.fault() or Failure(reason="too_many_columns", column="")
    return survey.fault() or FileFacts(digest=digest, undeclared=undeclared, frame=b"")


def _table_rows(
    file: InputFile, contract: DatasetContract, about: FileFacts, rows: int
) -> Iterator[FileRows]:
    """Yield the rows of a file that was looked through; rows: the most a part."""
    sorter = RowSorter(contract)
    number = 1
    try:
        with open_cells(file) as table:
            for count, cells in table.batches(rows):
                lines = numbered_rows(file.number, number, count, cells)
                yield part_rows(sorter.sort(lines, cells), cells, contract, about, received=count)
                number += count
    except UnreadableInput as problem:
        raise changed_while_read() from problem
    if _digest_of(file) != about.digest:
        raise changed_while_read()


def _digest_of(file: InputFile) -> bytes:
    with HashedFile(file) as stream:
        while stream.read(CHUNK):
            continue
        return stream.digest()
