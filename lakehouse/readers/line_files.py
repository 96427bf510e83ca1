"""Files of a record a line: what a format says of its lines, and the parts that lines come in."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure
from lakehouse.readers.input_files import FileRows, InputFile
from lakehouse.readers.text_rows import Cells, Lines, build_rows, split_lines
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, file_fault, reject_file

Record = TypeVar("Record")
PART_ROWS = 2**16
"""Landing puts parts together to portions; the text of one takes tens of megabytes."""
PART_BYTES = 2**24


class LineForm(Protocol[Record]):
    """How a format reads lines; made at the start of a file.

    frame: what a line needs beside itself to be read again. parse: a record, or None and a reason code.
    names: the columns that records have. cells: records by column, of those `names` at least.
    fault: why the file is set aside for the columns that it has.
    """

    @property
    def frame(self) -> bytes: ...  # noqa: D102  see the class
    def parse(self, raw: bytes) -> tuple[Record | None, str]: ...  # noqa: D102
    def names(self, records: Sequence[Record]) -> Iterable[str]: ...  # noqa: D102
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


def read_lines(file: InputFile, contract: DatasetContract, begin: Begin) -> FileRows:
    """Return the rows of a file in memory; `received` counts its lines without a header."""
    data = file.load().removeprefix(BYTE_ORDER_MARK)
    if reason := file_fault(data):
        return reject_file(file, contract, reason)
    raws = split_lines(data)
    form = begin(contract, raws)
    if isinstance(form, Failure):
        return reject_file(file, contract, form.reason, form.column or None)
    part = LinePart(lines=Lines(file=file.number))
    part.take(enumerate(raws, 1), form)
    if part.lines.mostly_faults:
        return reject_file(file, contract, "unreadable_file")
    names = dict.fromkeys(form.names(part.records))
    if reason := form.fault(names):
        return reject_file(file, contract, reason)
    cells = form.cells(part.records, names)
    return build_rows(file, contract, part.lines, cells, received=part.received, frame=form.frame)
