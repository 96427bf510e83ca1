"""What no row shows by itself: one value stated by two people, a clock that runs ahead.

Such rows are set aside before anybody is named, so that no link or pseudonym is made from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.bronze_rows import row_text, without_rows
from lakehouse.core.contract import ColumnType, DatasetContract
from lakehouse.readers.input_files import FileRows, RejectedRow

Faults = dict[int, tuple[str, str]]
Contested = AbstractSet[tuple[str, str]]
Person = tuple[str | None, str | None]
CLOCK_LEEWAY = timedelta(days=1)


def check_batch(
    contract: DatasetContract, files: Sequence[FileRows], now: datetime, held: Contested = frozenset()
) -> list[FileRows]:
    """Return the files of a batch that is in memory, each as `check_part` leaves it.

    `held` are the (column, value) pairs that are somebody else's since an earlier batch.
    """
    contested = contested_values(contract, files) | held
    return [check_part(contract, file, contested, now) for file in files]


def check_part(contract: DatasetContract, file: FileRows, contested: Contested, now: datetime) -> FileRows:
    """Return the file with the rows set aside that contradict others or the clock of landing (UTC)."""
    faults = _ahead_of_clock(contract, file, now) | _contested_rows(contract, file, contested)
    return _reject_rows(contract, file, faults) if faults else file


def _ahead_of_clock(contract: DatasetContract, file: FileRows, now: datetime) -> Faults:
    faults: Faults = {}
    for column in contract.columns:
        if not column.not_ahead or column.name not in file.rows.column_names:
            continue
        latest = now + CLOCK_LEEWAY
        limit = latest.date() if column.type is ColumnType.DATE else latest
        values = file.rows.column(column.name)
        late = pc.indices_nonzero(pc.greater(values, pa.scalar(limit, values.type)))
        faults |= {int(index): ("out_of_time", column.name) for index in late.to_pylist()}
    return faults


def states_own_values(contract: DatasetContract) -> bool:
    """Say whether rows may state what one person alone can have."""
    rule = contract.subject
    return rule is not None and bool(rule.own or contract.linked_identifiers)


def stated_values(contract: DatasetContract, file: FileRows) -> list[tuple[int, str, str, Person]]:
    """Return (row index, column, value, person) of each value that only one person can have."""
    rule = contract.subject
    linked = "links" in file.rows.column_names
    if rule is None or not len(file.rows) or not (rule.own or linked):
        return []
    people = _people(contract, file)
    found = []
    for name in rule.own:
        if name in file.rows.column_names:
            values = pc.cast(file.rows.column(name), pa.string()).to_pylist()
            found += [(i, name, text, people[i]) for i, text in enumerate(values) if text]
    if linked:
        for index, links in enumerate(file.rows.column("links").to_pylist()):
            found += [
                (index, f"links {link['system']}", link["value"], people[index]) for link in links or ()
            ]
    return found


def _people(contract: DatasetContract, file: FileRows) -> list[Person]:
    rule = contract.subject
    if rule is None:
        return []
    count = len(file.rows)
    if rule.column in file.constants:
        return [(rule.system, str(file.constants[rule.column]))] * count
    ids = file.rows.column(rule.column).to_pylist()
    systems = (
        file.rows.column(rule.system_column).to_pylist() if rule.system_column else [rule.system] * count
    )
    return list(zip(systems, ids, strict=True))


def contested_values(contract: DatasetContract, parts: Iterable[FileRows]) -> Contested:
    """Return the (column, value) pairs that two people of a batch state; nothing is read without need."""
    rule = contract.subject
    owner: dict[tuple[str, str], Person] = {}
    contested: set[tuple[str, str]] = set()
    if rule is None or not states_own_values(contract):
        return contested
    for part in parts:
        for _, name, value, person in stated_values(contract, part):
            if owner.setdefault((name, value), person) != person:
                contested.add((name, value))
    return contested


def _contested_rows(contract: DatasetContract, file: FileRows, contested: Contested) -> Faults:
    if not contested:
        return {}
    return {
        index: ("shared_value", name)
        for index, name, value, _ in stated_values(contract, file)
        if (name, value) in contested
    }


def _reject_rows(
    contract: DatasetContract, file: FileRows, faults: Mapping[int, tuple[str, str]]
) -> FileRows:
    people = _people(contract, file)
    declared = {column.name for column in contract.columns}
    rejected = []
    for index, (reason, column) in sorted(faults.items()):
        system, person = people[index] if people else (None, None)
        rejected.append(
            RejectedRow(
                file=file.file,
                row=file.rows.column("row")[index].as_py(),
                reason=reason,
                column=column if column in declared else None,
                raw=row_text(file, index),
                person_id=person,
                system=system,
            )
        )
    return replace(without_rows(file, faults), rejected=(*file.rejected, *rejected))
