"""Large files of a record a line: read three times instead of held in memory.

The bytes tell the digest and whether they are text. The lines tell what only all of them together say.
Then their rows are handed over in parts, the same ones that the file read whole would give.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import Failure
from lakehouse.readers.hashed_lines import CHUNK, HashedFile, HashedLines
from lakehouse.readers.input_files import FILE_LIMIT, FileRows, FoundRows, InputFile
from lakehouse.readers.line_files import (
    PART_ROWS,
    Begin,
    LineForm,
    LinePart,
    LineSurvey,
    line_parts,
    rows_a_part,
)
from lakehouse.readers.text_rows import FileFacts, RowSorter, part_rows
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, file_fault, reject_file

STREAM_LIMIT = 2**34


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeFile:
    """A file whose rows are read when they are asked for.

    source, contract, begin: what to read, and how. about: what its parts have in common. rows: the most
    lines a part.
    """

    source: InputFile
    contract: DatasetContract
    begin: Begin
    about: FileFacts
    rows: int
    identity: str = ""
    constants: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def file(self) -> int:
        """Its number in the batch."""
        return self.source.number

    @property
    def digest(self) -> bytes:
        """SHA-256 of its bytes."""
        return self.about.digest

    def parts(self) -> Iterator[FileRows]:
        """Yield the rows in parts.

        Raises:
            UnreadableInput: the file is no longer what it was when it was found.
        """
        with HashedLines(self.source) as lines:
            form = self.begin(self.contract, lines)
            if isinstance(form, Failure) or form.frame != self.about.frame:
                raise _changed()
            sorter = RowSorter(self.contract)
            for part in line_parts(self.file, lines, form, rows=self.rows):
                yield self._rows_of(part, form, sorter)
            if lines.digest() != self.digest:
                raise _changed()

    def _rows_of(self, part: LinePart, form: LineForm[Any], sorter: RowSorter) -> FileRows:
        rows = sorter.sort(part.lines, form.cells(part.records, form.declared))
        cells = form.cells(part.records, self.about.undeclared)
        return part_rows(rows, cells, self.contract, self.about, received=part.received)


def stream_lines(
    file: InputFile, contract: DatasetContract, begin: Begin, *, rows: int = PART_ROWS
) -> FoundRows:
    """Return a large file, looked through; or, where it is set aside as a whole, what it is set aside as.

    Raises:
        UnreadableInput: it may not be read, is larger than STREAM_LIMIT, or what must be set aside of it
            is too large to be kept.
    """
    if file.size > STREAM_LIMIT:
        raise UnreadableInput(
            f"an input file has {file.size:,} bytes; {STREAM_LIMIT:,} can be read", remedy="split it"
        )
    digest, size, reason = _looked_through(file)
    if reason:
        return _set_aside(file, contract, Failure(reason=reason, column=""))
    survey = _survey(file, contract, begin, rows)
    about = survey if isinstance(survey, Failure) else survey.ended(digest, size)
    if isinstance(about, Failure):
        return _set_aside(file, contract, about)
    most = rows_a_part(about.undeclared, rows)
    return LargeFile(source=file, contract=contract, begin=begin, about=about, rows=most)


def _looked_through(file: InputFile) -> tuple[bytes, int, str | None]:
    """Return the digest of the bytes, how many there are, and why they are no text."""
    with HashedFile(file) as stream:
        chunk = stream.read(CHUNK) or b""
        reason = file_fault(chunk.removeprefix(BYTE_ORDER_MARK))
        size = len(chunk)
        while chunk := stream.read(CHUNK) or b"":
            size += len(chunk)
            reason = reason or ("unreadable_file" if b"\0" in chunk else None)
        return stream.digest(), size, reason


def _survey(file: InputFile, contract: DatasetContract, begin: Begin, rows: int) -> LineSurvey | Failure:
    """Read all lines once, keep nothing of them but what they say together."""
    with HashedLines(file) as lines:
        form = begin(contract, lines)
        if isinstance(form, Failure):
            return form
        survey = LineSurvey(contract, form)
        for part in line_parts(file.number, lines, form, rows=rows):
            if part.lines.mostly_faults:
                return Failure(reason="unreadable_file", column="")
            survey.take(part)
    return survey


def _set_aside(file: InputFile, contract: DatasetContract, fault: Failure) -> FileRows:
    if file.size > FILE_LIMIT:
        raise UnreadableInput(
            f"an input file of {file.size:,} bytes cannot be taken as it is ({fault.reason}), and one of "
            f"more than {FILE_LIMIT:,} cannot be set aside",
            remedy="mend it or its contract, or split it",
            reason=fault.reason,
        )
    return reject_file(file, contract, fault.reason, fault.column or None)


def _changed() -> UnreadableInput:
    return UnreadableInput(
        "an input file changed while it was read", remedy="land it again when nobody writes to it"
    )
