"""Rows of text formats: from cells by column to the contract's types, with what is set aside."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure, cast_columns
from lakehouse.readers.input_files import FileRows, InputFile, RejectedRow
from lakehouse.readers.row_order import changed_unit, out_of_order
from lakehouse.readers.whole_files import mostly_faults, reject_file

Cells = Mapping[str, Sequence[str | None]]


@dataclass(slots=True, kw_only=True)
class Lines:
    """The lines of a file as a reader sorts them: those with cells, and those set aside.

    numbers, raws: line number (from 1) and bytes of each line that has cells.
    """

    file: int
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
        return mostly_faults(len(self.rejected), len(self.numbers))

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


def build_rows(
    file: InputFile, contract: DatasetContract, lines: Lines, cells: Cells, *, received: int
) -> FileRows:
    """Cast the cells of the kept lines (by the columns' names in the file) and sort out what fails."""
    raw = _by_declared_name(cells, contract, len(lines.numbers))
    cast = cast_columns(raw, contract)
    if unit := changed_unit(cast.columns, contract):
        return reject_file(file, contract, "unit_changed", unit)
    failures = {**_duplicates(lines.raws, contract), **cast.failures}
    failures = {**out_of_order(cast.columns, contract, failures), **failures}
    if mostly_faults(len(failures), len(lines.numbers) - len(failures)):
        return reject_file(file, contract, "unreadable_file")
    kept = pa.array([index for index in range(len(lines.numbers)) if index not in failures], pa.int64())
    undeclared = _undeclared(cells, contract)
    columns = {"row": pa.array(lines.numbers, pa.int64()), **cast.columns}
    columns |= {f"undeclared:{n}": pa.array(cells[name], pa.string()) for n, name in enumerate(undeclared)}
    failed = [_rejected(lines, index, failures[index], raw, contract) for index in sorted(failures)]
    return FileRows(
        file=file.number,
        digest=hashlib.sha256(file.load()).digest(),
        identity="",
        rows=pa.table(columns).take(kept),
        rejected=tuple(sorted([*lines.rejected, *failed], key=lambda row: row.row or 0)),
        received=received,
        undeclared=undeclared,
    )


def _by_declared_name(cells: Cells, contract: DatasetContract, size: int) -> dict[str, pa.Array]:
    absent: list[str | None] = [None] * size
    return {
        column.name: pa.array(cells.get(column.source, absent), pa.string()) for column in contract.columns
    }


def _undeclared(cells: Cells, contract: DatasetContract) -> tuple[str, ...]:
    """A column that is empty from top to bottom says nothing and is not reported."""
    declared = {column.source for column in contract.columns}
    return tuple(name for name, values in cells.items() if name not in declared and any(values))


def _duplicates(raws: Sequence[bytes], contract: DatasetContract) -> dict[int, Failure]:
    """Where rows have a key, a line that repeats an earlier one says nothing new."""
    if contract.subject is None and not contract.keys:
        return {}
    seen: set[bytes] = set()
    repeated: dict[int, Failure] = {}
    for index, raw in enumerate(raws):
        if raw in seen:
            repeated[index] = Failure(reason="duplicate_row", column="")
        seen.add(raw)
    return repeated


def _rejected(
    lines: Lines, index: int, failure: Failure, raw: Mapping[str, pa.Array], contract: DatasetContract
) -> RejectedRow:
    person, system = _person_of(index, raw, contract)
    return RejectedRow(
        file=lines.file,
        row=lines.numbers[index],
        reason=failure.reason,
        column=failure.column or None,
        raw=lines.raws[index],
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
