"""From people to one released row a person: generalised, the rest left out (PyArrow)."""

from collections.abc import Sequence

import pyarrow as pa

from lakehouse.adapters.release_rows import SUBJECT, FinishedRows, cell_name, require_columns
from lakehouse.core.groups import (
    Grouping,
    GroupMeasures,
    Microdata,
    SensitiveValues,
    measure_groups,
    search_grouping,
)
from lakehouse.core.release_rules import ReleaseRules
from lakehouse.errors import ContractError


def finish_people(
    rows: pa.Table, rules: ReleaseRules, released: Sequence[str], file: str
) -> FinishedRows | None:
    """Generalise one row a person to the least loss that meets k, l and t; None where nothing does.

    Raises:
        ContractError: the SQL gives a person twice, or lacks a column.
    """
    require_columns(rows, _people_columns(rules, released), file)
    people = rows.column(SUBJECT).to_pylist()
    if len(set(people)) != len(people):
        raise ContractError(
            file, "sql", f"gives {len(people)} rows for {len(set(people))} people, one each is needed"
        )
    grouping = search_grouping(microdata_of(rows, rules), rules.targets)
    if grouping is None:
        return None
    return FinishedRows(
        rows=_released_people(rows, grouping, rules, released),
        cells={
            cell_name(label): frozenset(people[row] for row in members) for label, members in grouping.kept
        },
        suppressed=grouping.suppressed,
        total=len(people),
        levels=grouping.levels,
        loss=grouping.loss,
    )


def microdata_of(rows: pa.Table, rules: ReleaseRules) -> Microdata:
    """Return quasi-identifiers and sensitive values as the search wants them."""
    quasi = [rows.column(found.column).to_pylist() for found in rules.quasi_identifiers]
    return Microdata(
        quasi=tuple(zip(*quasi, strict=True)),
        hierarchies=tuple(found.hierarchy for found in rules.quasi_identifiers),
        sensitive=_sensitive_values(rows, rules),
    )


def measure_people(rows: pa.Table, rules: ReleaseRules) -> GroupMeasures:
    """Measure k, l and t of a finished table of people."""
    labels = list(zip(*(rows.column(name).to_pylist() for name in rules.released_quasi), strict=True))
    return measure_groups(labels, _sensitive_values(rows, rules))


def _people_columns(rules: ReleaseRules, released: Sequence[str]) -> list[str]:
    plain = [name for name in released if name not in rules.released_quasi]
    return [SUBJECT, *(found.column for found in rules.quasi_identifiers), *plain]


def _sensitive_values(rows: pa.Table, rules: ReleaseRules) -> SensitiveValues:
    values = {column.name: rows.column(column.name).to_pylist() for column in rules.sensitive}
    return SensitiveValues(columns=rules.sensitive, values=values)


def _released_people(
    rows: pa.Table, grouping: Grouping, rules: ReleaseRules, released: Sequence[str]
) -> pa.Table:
    order = pa.array([row for _, members in grouping.kept for row in members], pa.int64())
    kept = rows.take(order)
    for place, found in enumerate(rules.quasi_identifiers):
        labels = pa.array([label[place] for label, members in grouping.kept for _ in members], pa.string())
        kept = kept.drop_columns([found.released_as]) if found.released_as in kept.column_names else kept
        kept = kept.append_column(found.released_as, labels)
    return kept.select(list(released))
