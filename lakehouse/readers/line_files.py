"""Files of a record a line: what a format says of its lines, and the parts that lines come in."""

import hashlib
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import (
    Cells,
    FileFacts,
    FileSurvey,
    Lines,
    RowSorter,
    SortedRows,
    part_rows,
    split_lines,
)
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, COLUMN_LIMIT, file_fault, reject_file, spread_of

Record = TypeVar("Record")
PART_ROWS = 2**16
"""Landing puts parts together to portions; the text of one takes tens of megabytes."""
PART_BYTES = 2**24
PART_SPREAD = 2**26


def rows_a_part(undeclared: Collection[str], most: int = PART_ROWS) -> int:
    """Return how many lines a part has, so that its undeclared cells take no more than PART_SPREAD."""
    return max(1, min(most, PART_SPREAD // max(1, spread_of(undeclared))))


class LineForm(Protocol[Record]):
    """How a format reads lines; made at the start of a file.

    frame: what a line needs beside itself to be read again. declared: the columns that the contract names.
    parse: a record, or None and a reason code. names: the columns that records have. filled: those not
    declared in which a record holds anything. cells: records by column, of those `names` that there are.
    fault: why the file is set aside for the columns that it has.
    """

    @property
    def frame(self) -> bytes: ...  # noqa: D102  see the class
    @property
    def declared(self) -> frozenset[str]: ...  # noqa: D102
    def parse(self, raw: bytes) -> tuple[Record | None, str]: ...  # noqa: D102
    def names(self, records: Sequence[Record]) -> Iterable[str]: ...  # noqa: D102
    def filled(self, records: Sequence[Record]) -> Iterable[str]: ...  # noqa: D102
    def cells(self, records: Sequence[Record], names: Iterable[str]) -> Cells: ...  # noqa: D102
    def fault(self, names: Iterable[str]) -> str | None: ...  # noqa: D102


Begin = Callable[[DatasetContract, Iterator[bytes]], LineForm[Any] | Failure]
"""Takes the header, if there is one, from the lines; returns their form, or why the file is set aside."""


@dataclass(slots=True, kw_only=True)
class LinePart:
    """Lines that follow each other in a file: the kept ones with their records, those set aside.

    received: how many lines. size: their bytes.
    """

    lines: Lines
    records: list[Any] = field(default_factory=list)
    received: int = 0
    size: int = 0

    def take(
        self,
        numbered: Iterator[tuple[int, bytes]],
        form: LineForm[Any],
        *,
        rows: int = sys.maxsize,
        size: int = sys.maxsize,
    ) -> None:
        """Read on until there are no more lines, the part is full or the file is mostly faults."""
        while self.received < rows and self.size < size and not self.lines.mostly_faults:
            number, raw = next(numbered, (0, b""))
            if not number:
                return
            record, reason = form.parse(raw)
            self.received += 1
            self.size += len(raw)
            if record is None:
                self.lines.reject(number, raw, reason)
            else:
                self.lines.keep(number, raw)
                self.records.append(record)


def line_parts(
    file: int, raws: Iterable[bytes], form: LineForm[Any], *, rows: int = PART_ROWS
) -> Iterator[LinePart]:
    """Yield the lines of a file in parts, one at least; none follows a part that is `mostly_faults`."""
    numbered = enumerate(raws, 1)
    part = LinePart(lines=Lines(file=file))
    part.take(numbered, form, rows=rows, size=PART_BYTES)
    yield part
    while part.received and not part.lines.mostly_faults:
        part = LinePart(lines=part.lines.following())
        part.take(numbered, form, rows=rows, size=PART_BYTES)
        if part.received:
            yield part


class LineSurvey:
    """What all lines of a file say together; the cells of columns that nobody declared are not held."""

    def __init__(self, contract: DatasetContract, form: LineForm[Any]) -> None:
        self._form = form
        self._names: dict[str, None] = {}
        self._sorter, self._rows = RowSorter(contract), FileSurvey(contract)

    def take(self, part: LinePart) -> SortedRows:
        """Look at a part of the lines, return them sorted."""
        if len(self._names) <= COLUMN_LIMIT:
            self._names |= dict.fromkeys(self._form.names(part.records))
        rows = self._sorter.sort(part.lines, self._form.cells(part.records, self._form.declared))
        self._rows.take(rows, self._form.filled(part.records))
        return rows

    def ended(self, digest: bytes, size: int) -> FileFacts | Failure:
        """Return what the parts of the file have in common, or why it is set aside; size: its bytes."""
        too_many = Failure(reason="too_many_columns", column="")
        if len(self._names) > COLUMN_LIMIT:
            return too_many
        if reason := self._form.fault(self._names):
            return Failure(reason=reason, column="")
        if fault := self._rows.fault():
            return fault
        undeclared = self._rows.undeclared(self._names)
        if self._rows.has_too_many(undeclared, size):
            return too_many
        return FileFacts(digest=digest, undeclared=undeclared, frame=self._form.frame)


def read_lines(file: InputFile, contract: DatasetContract, begin: Begin) -> FileRows:
    """Return the rows of a file in memory; `received` counts its lines without a header."""
    data = file.load()
    text = data.removeprefix(BYTE_ORDER_MARK)
    if reason := file_fault(text):
        return reject_file(file, contract, reason)
    raws = split_lines(text)
    form = begin(contract, raws)
    if isinstance(form, Failure):
        return reject_file(file, contract, form.reason, form.column or None)
    part = LinePart(lines=Lines(file=file.number))
    part.take(enumerate(raws, 1), form)
    if part.lines.mostly_faults:
        return reject_file(file, contract, "unreadable_file")
    survey = LineSurvey(contract, form)
    rows = survey.take(part)
    about = survey.ended(hashlib.sha256(data).digest(), len(data))
    if isinstance(about, Failure):
        return reject_file(file, contract, about.reason, about.column or None)
    cells = form.cells(part.records, about.undeclared)
    return part_rows(rows, cells, contract, about, received=part.received)
