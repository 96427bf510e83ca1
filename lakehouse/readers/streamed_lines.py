"""Large files of a record a line: read three times instead of held in memory.

The bytes tell the digest and whether they are text. The lines tell what only all of them together say.
Then their rows are handed over in parts, the same ones that the file read whole would give.
"""

from collections.abc import Iterator
from functools import partial

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure
from lakehouse.readers.hashed_lines import CHUNK, HashedFile, HashedLines
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile
from lakehouse.readers.large_files import (
    LargeFile,
    changed_while_read,
    require_readable_size,
    set_aside_large,
)
from lakehouse.readers.line_files import (
    PART_ROWS,
    Begin,
    LineSurvey,
    line_parts,
    rows_a_part,
)
from lakehouse.readers.text_rows import FileFacts, RowSorter, part_rows
from lakehouse.readers.whole_files import BYTE_ORDER_MARK, file_fault


def stream_lines(
    file: InputFile, contract: DatasetContract, begin: Begin, *, rows: int = PART_ROWS
) -> FoundRows:
    """Return a large file, looked through; or, where it is set aside as a whole, what it is set aside as.

    Raises:
        UnreadableInput: it may not be read, is too large, or what must be set aside of it
            is too large to be kept.
    """
    require_readable_size(file)
    digest, size, reason = _looked_through(file)
    if reason:
        return set_aside_large(file, contract, Failure(reason=reason, column=""))
    survey = _survey(file, contract, begin, rows)
    about = survey if isinstance(survey, Failure) else survey.ended(digest, size)
    if isinstance(about, Failure):
        return set_aside_large(file, contract, about)
    most = rows_a_part(about.undeclared, rows)
    return LargeFile(source=file, digest=digest, read=partial(_line_rows, file, contract, begin, about, most))


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


def _line_rows(
    file: InputFile, contract: DatasetContract, begin: Begin, about: FileFacts, rows: int
) -> Iterator[FileRows]:
    """Yield the rows of a file that was looked through; rows: the most lines a part."""
    with HashedLines(file) as lines:
        form = begin(contract, lines)
        if isinstance(form, Failure) or form.frame != about.frame:
            raise changed_while_read()
        sorter = RowSorter(contract)
        for part in line_parts(file.number, lines, form, rows=rows):
            sorted_rows = sorter.sort(part.lines, form.cells(part.records, form.declared))
            cells = form.cells(part.records, about.undeclared)
            yield part_rows(sorted_rows, cells, contract, about, received=part.received)
        if lines.digest() != about.digest:
            raise changed_while_read()
