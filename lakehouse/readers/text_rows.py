"""Rows of text formats: from cells by column to the contract's types, with what is set aside."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lakehouse.adapters.seen_keys import SeenKeys, short_digests
from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure, cast_columns
from lakehouse.readers.input_files import FileRows, InputFile, RejectedRow
from lakehouse.readers.row_order import GrowingValues, UsualMedians
from lakehouse.readers.whole_files import mostly_faults, reject_file, too_many_columns

Cells = Mapping[str, Sequence[str | None]]


@dataclass(slots=True, kw_only=True)
class Lines:
    """The lines of a file as a reader sorts them: those with cells, and those set aside.

    numbers, raws: line number (from 1) and bytes of each line that has cells. faults_before, sound_before:
    how many were set aside and kept in the parts of the file before this one.
    """

    file: int
    faults_before: int = 0
    sound_before: int = 0
    numbers: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)

    def keep(self, number: int, raw: bytes) -> None:
        """Take a line whose cells the reader has."""
        self.numbers.append(number)
        self.raws.append(raw)

    @property
    def mostly_faults(self) -> bool:
        """Whether the lines so far are not those of such a file."""
        return mostly_faults(self.faults_before + len(self.rejected), self.sound_before + len(self.numbers))

    def following(self) -> "Lines":
        """Return the part of the file behind this one, without lines yet."""
        return Lines(
            file=self.file,
            faults_before=self.faults_before + len(self.rejected),
            sound_before=self.sound_before + len(self.numbers),
        )

    def reject(self, number: int, raw: bytes, reason: str) -> None:
        """Set a line aside."""
        self.rejected.append(RejectedRow(file=self.file, row=number, reason=reason, column=None, raw=raw))


def split_lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines of a file without their ends; the end of the last line begins no new one."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield data[start : end - 1] if data[end - 1 : end] == b"\r" and end > start else data[start:end]
        start = end + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedRows:
    """Lines with their declared cells as text and in the contract's types, which fail (by index) and why."""

    lines: Lines
    text: Mapping[str, pa.Array]
    typed: Mapping[str, pa.Array]
    failures: Mapping[int, Failure]


class RowSorter:
    """Finds the rows of a file that fail, part after part: duplicates and order reach back to its start."""

    def __init__(self, contract: DatasetContract) -> None:
        self._contract = contract
        self._seen = SeenKeys()
        self._growing = GrowingValues(contract)

    def sort(self, lines: Lines, cells: Cells) -> SortedRows:
        """Cast the declared cells of kept lines (by the columns' names in the file), sort out what fails."""
        text = _by_declared_name(cells, self._contract, len(lines.numbers))
        cast = cast_columns(text, self._contract)
        failures = {**self._duplicates(lines.raws), **cast.failures}
        failures = {**self._growing.late_rows(cast.columns, failures), **failures}
        return SortedRows(lines=lines, text=text, typed=cast.columns, failures=failures)

    def _duplicates(self, raws: Sequence[bytes]) -> dict[int, Failure]:
        """Where rows have a key, a line that repeats an earlier one says nothing new."""
        if self._contract.subject is None and not self._contract.keys:
            return {}
        repeated = np.flatnonzero(self._seen.repeated(short_digests(raws)))
        return dict.fromkeys(repeated.tolist(), Failure(reason="duplicate_row", column=""))


class FileSurvey:
    """What only all rows of a file say: its faults as a whole, and which columns hold anything."""

    def __init__(self, contract: DatasetContract) -> None:
        self._contract = contract
        self._medians = UsualMedians(contract)
        self._filled: set[str] = set()
        self._failed = self._sound = 0

    def take(self, part: SortedRows, filled: Iterable[str]) -> None:
        """Count a part of the rows, and the columns in which they hold anything."""
        self._medians.take(part.typed)
        self._failed += len(part.failures)
        self._sound += len(part.lines.numbers) - len(part.failures)
        self._filled.update(filled)

    def fault(self) -> Failure | None:
        """Return why the file is set aside as a whole, or None."""
        if unit := self._medians.unusual():
            return Failure(reason="unit_changed", column=unit)
        if mostly_faults(self._failed, self._sound):
            return Failure(reason="unreadable_file", column="")
        return None

    def has_too_many(self, undeclared: Collection[str], size: int) -> bool:
        """Whether these columns would take far more place than the file of `size` bytes."""
        return too_many_columns(undeclared, self._failed + self._sound, size)

    def undeclared(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return which of the file's columns no contract declares, without those empty in every row."""
        declared = {column.source for column in self._contract.columns}
        return tuple(name for name in names if name not in declared and name in self._filled)


def filled_columns(cells: Cells) -> Iterator[str]:
    """Yield the columns that hold anything."""
    return (name for name, values in cells.items() if any(values))


def build_rows(
    file: InputFile,
    contract: DatasetContract,
    lines: Lines,
    cells: Cells,
    *,
    received: int,
    unpacked: int | None = None,
) -> FileRows:
    """Return what a file in memory holds, from the lines that its reader sorted and their cells.

    unpacked: how many bytes it would have as text, where its format packs them.
    """
    data = file.load()
    rows = RowSorter(contract).sort(lines, cells)
    survey = FileSurvey(contract)
    survey.take(rows, filled_columns(cells))
    if fault := survey.fault():
        return reject_file(file, contract, fault.reason, fault.column or None)
    undeclared = survey.undeclared(cells)
    if survey.has_too_many(undeclared, unpacked or len(data)):
        return reject_file(file, contract, "too_many_columns")
    about = FileFacts(digest=hashlib.sha256(data).digest(), undeclared=undeclared, frame=b"")
    return part_rows(rows, cells, contract, about, received=received)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What is the same in every part of a file: digest, undeclared and frame of `FileRows`."""

    digest: bytes
    undeclared: tuple[str, ...]
    frame: bytes


def part_rows(
    part: SortedRows, cells: Cells, contract: DatasetContract, about: FileFacts, *, received: int
) -> FileRows:
    """Return sorted rows, and the cells of their undeclared columns, as a reader hands them back."""
    lines = part.lines
    kept = [index for index in range(len(lines.numbers)) if index not in part.failures]
    columns = {"row": pa.array(lines.numbers, pa.int64()), **part.typed}
    columns |= {
        f"undeclared:{n}": pa.array(cells[name], pa.string()) for n, name in enumerate(about.undeclared)
    }
    failed = [_rejected(part, index, contract) for index in sorted(part.failures)]
    return FileRows(
        file=lines.file,
        digest=about.digest,
        identity="",
        rows=pa.table(columns).take(pa.array(kept, pa.int64())),
        rejected=tuple(sorted([*lines.rejected, *failed], key=lambda row: row.row or 0)),
        received=received,
        undeclared=about.undeclared,
        frame=about.frame,
    )


def _by_declared_name(cells: Cells, contract: DatasetContract, size: int) -> dict[str, pa.Array]:
    absent: list[str | None] = [None] * size
    return {
        column.name: pa.array(cells.get(column.source, absent), pa.string()) for column in contract.columns
    }


def _rejected(part: SortedRows, index: int, contract: DatasetContract) -> RejectedRow:
    person, system = _person_of(index, part.text, contract)
    failure = part.failures[index]
    return RejectedRow(
        file=part.lines.file,
        row=part.lines.numbers[index],
        reason=failure.reason,
        column=failure.column or None,
        raw=part.lines.raws[index],
        person_id=person,
        system=system,
    )


def _person_of(
    index: int, raw: Mapping[str, pa.Array], contract: DatasetContract
) -> tuple[str | None, str | None]:
    """Whose row it is, where its identifier is canonical."""
    subject = contract.subject
    column = contract.column(subject.column) if subject else None
    if subject is None or column is None:
        return None, None
    person = raw[column.name][index].as_py()
    system = raw[subject.system_column][index].as_py() if subject.system_column else subject.system
    pattern = subject.id_patterns.get(system or "") or column.id_pattern
    if person is None or pattern is None or not re.fullmatch(pattern, person):
        return None, None
    return person, system
