"""From people to counts a cell, rounded, with the private answers beside them (PyArrow)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.release_rows import SUBJECT, FinishedRows, cell_name, require_columns
from lakehouse.core.answer import AnswerCell
from lakehouse.core.groups import GroupMeasures
from lakehouse.core.hierarchies import Hierarchy
from lakehouse.core.release_rules import PrivateStatistic, ReleaseRules

PEOPLE, POPULATION, PERCENT = "people", "population", "prevalence_percent"
Label = str | int | float | None
Cell = tuple[Label, ...]


def count_people(rows: pa.Table, rules: ReleaseRules, tightening: int, file: str) -> FinishedRows:
    """Count the people of each cell at one level of the hierarchies; cells below the minimum stay inside.

    A row whose own cell column is null (a person without any condition) counts in `population` only:
    the people who share its quasi-identifier labels.

    Raises:
        ContractError: the SQL lacks a column.
    """
    quasi = {found.released_as: found for found in rules.quasi_identifiers}
    sources = {name: quasi[name].column if name in quasi else name for name in rules.cells}
    weights = [rules.weight] if rules.weight else []
    require_columns(rows, [SUBJECT, *sources.values(), *weights], file)
    levels = tuple(min(tightening, found.hierarchy.levels - 1) for found in rules.quasi_identifiers)
    level_of = dict(zip(quasi, levels, strict=True))
    labels = [
        _labelled(
            rows.column(source), quasi[name].hierarchy if name in quasi else None, level_of.get(name, 0)
        )
        for name, source in sources.items()
    ]
    cells = _members(labels, rows.column(SUBJECT).to_pylist())
    whole = {cell: people for cell, people in cells.items() if None not in cell}
    kept = {cell: people for cell, people in whole.items() if len(people) >= rules.minimum_cell}
    shared = [place for place, name in enumerate(rules.cells) if name in quasi]
    return FinishedRows(
        rows=_released_counts(kept, _populations(cells, shared), rules, rows),
        cells={cell_name(cell): frozenset(people) for cell, people in kept.items()},
        suppressed=len(whole) - len(kept),
        total=len(whole),
        levels=levels,
        dominance=_dominance(kept, rows, labels, rules.weight),
    )


def measure_counts(rows: pa.Table, rules: ReleaseRules) -> GroupMeasures:
    """Measure a finished table of counts: k is the fewest people that a rounded count can stand for."""
    fewest = pc.min(rows.column(PEOPLE)).as_py() if len(rows) else None
    if fewest is None:
        return GroupMeasures(k=0, l=None, t=None)
    return GroupMeasures(k=max(rules.minimum_cell, fewest - rules.round_to // 2), l=None, t=None)


def add_answers(
    rows: pa.Table,
    cells: Sequence[str],
    statistic: PrivateStatistic,
    answers: Sequence[AnswerCell],
) -> pa.Table:
    """Add a private statistic and its accuracy; `cells` stand in the order of the answers' keys."""
    by_cell = {tuple(value for _, value in found.keys): found for found in answers}
    keys = list(zip(*(rows.column(name).to_pylist() for name in cells), strict=True))
    found = [by_cell.get(key) for key in keys]
    values = pa.array([None if cell is None else _number(cell.value) for cell in found], pa.float64())
    accuracies = pa.array([None if cell is None else float(cell.accuracy95) for cell in found], pa.float64())
    return rows.append_column(statistic.column, values).append_column(statistic.accuracy_column, accuracies)


def _labelled(values: pa.ChunkedArray, hierarchy: Hierarchy | None, level: int) -> list[Label]:
    held = values.to_pylist()
    return held if hierarchy is None else [hierarchy.label(value, level) for value in held]


def _members(labels: Sequence[Sequence[Label]], people: Sequence[str]) -> dict[Cell, set[str]]:
    cells: dict[Cell, set[str]] = {}
    for cell, person in zip(zip(*labels, strict=True), people, strict=True):
        cells.setdefault(cell, set()).add(person)
    return cells


def _populations(cells: Mapping[Cell, set[str]], shared: Sequence[int]) -> dict[Cell, int]:
    """Return the people behind each combination of quasi-identifier labels, for every cell of it."""
    everyone: dict[Cell, set[str]] = {}
    for cell, people in cells.items():
        everyone.setdefault(tuple(cell[place] for place in shared), set()).update(people)
    return {cell: len(everyone[tuple(cell[place] for place in shared)]) for cell in cells}


def _released_counts(
    kept: Mapping[Cell, set[str]], populations: Mapping[Cell, int], rules: ReleaseRules, rows: pa.Table
) -> pa.Table:
    counts = [_rounded(len(people), rules.round_to) for people in kept.values()]
    totals = [_rounded(populations[cell], rules.round_to) for cell in kept]
    columns = {
        name: pa.array([cell[place] for cell in kept], _cell_type(name, rules, rows))
        for place, name in enumerate(rules.cells)
    }
    shares = [
        min(100, round(Fraction(100 * count, total))) for count, total in zip(counts, totals, strict=True)
    ]
    columns[PEOPLE] = pa.array(counts, pa.int64())
    columns[POPULATION] = pa.array(totals, pa.int64())
    columns[PERCENT] = pa.array(shares, pa.int64())
    return pa.table(columns)


def _cell_type(name: str, rules: ReleaseRules, rows: pa.Table) -> pa.DataType:
    return pa.string() if name in rules.released_quasi else rows.schema.field(name).type


def _rounded(count: int, step: int) -> int:
    return (count + step // 2) // step * step


def _dominance(
    kept: Mapping[Cell, set[str]],
    rows: pa.Table,
    labels: Sequence[Sequence[Label]],
    weight: str | None,
) -> Fraction | None:
    if weight is None or not kept:
        return None
    shares: dict[Cell, dict[str, Fraction]] = {}
    held = zip(
        zip(*labels, strict=True),
        rows.column(SUBJECT).to_pylist(),
        rows.column(weight).to_pylist(),
        strict=True,
    )
    for cell, person, amount in held:
        if cell in kept:
            own = shares.setdefault(cell, {})
            own[person] = own.get(person, Fraction(0)) + Fraction(amount or 0)
    return max((max(own.values()) / (sum(own.values()) or 1) for own in shares.values()), default=None)


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
