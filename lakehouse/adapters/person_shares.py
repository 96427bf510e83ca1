"""From rows to one vector of whole numbers in which each person has a bounded part.

The unit of privacy is one person with all their rows (docs/adr/bounded-people.md). Whatever a person's
rows hold, taking the person away changes the vector by at most `sensitivity(plan)` in the L1 norm:

count  each kept row adds 1 to its cell, and a person keeps at most m rows:        m
sum    each kept row adds its clamped value in grid steps, at most GRID in size:   m * GRID
mean   a person with n kept rows has n shares of GRID // n; a row splits its
       share between `near upper` and `near lower` of its cell:                    GRID, or a little less

Rows without a person, outside the public cells, or without a finite value are left out first, each for
itself, so that no person's rows decide about another's.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.answer import GRID
from lakehouse.core.answer_plan import AnswerPlan
from lakehouse.core.question import Stat

Integers = npt.NDArray[np.int64]


def sensitivity(plan: AnswerPlan) -> int:
    """Return the most that one person moves the vector of `person_shares`, in the L1 norm."""
    match plan.question.stat:
        case Stat.COUNT:
            return plan.rows_per_person
        case Stat.SUM:
            return plan.rows_per_person * GRID
        case _:
            return GRID


def person_shares(plan: AnswerPlan, rows: pa.Table, person_of: Mapping[str, str]) -> list[int]:
    """Return one whole number a cell of the plan; for a mean two, all `near upper` first.

    rows: at least `plan.columns`. person_of: pseudonym -> person for everyone who may be counted
    (two pseudonyms of one person have one value); rows of anyone else are left out.
    """
    kept = _keep_rows(plan, rows, person_of)
    cells, people = _cell_numbers(plan, kept), _numbered(kept["person"])
    size = len(plan.cells)
    if plan.question.stat is Stat.COUNT:
        return _add_up(cells, np.ones(len(cells), np.int64), size)
    values = kept["value"].to_numpy().astype(np.float64)
    if plan.question.stat is Stat.SUM:
        return _add_up(cells, _clamped_steps(plan, values), size)
    upper, lower = _split_shares(plan, values, people)
    return _add_up(cells, upper, size) + _add_up(cells, lower, size)


def _keep_rows(plan: AnswerPlan, rows: pa.Table, person_of: Mapping[str, str]) -> pa.Table:
    """Return the rows that count: at most m a person, the first ones in the order of the table's keys."""
    pseudonyms = rows["subject"].to_pylist()
    chosen = rows.append_column("person", pa.array([person_of.get(p) for p in pseudonyms], pa.string()))
    keep = pc.is_valid(chosen["person"])
    for column, value in plan.question.where:
        keep = pc.and_(keep, pc.fill_null(pc.equal(_as_text(chosen[column]), value), False))
    for key in plan.keys:
        keep = pc.and_(keep, pc.is_in(_as_text(chosen[key.column]), pa.array(key.values, pa.string())))
    measured = plan.question.column
    if measured is not None:
        keep = pc.and_(keep, _is_number(chosen[measured]))
        chosen = chosen.append_column("value", chosen[measured])
    return _first_rows(plan, chosen.filter(keep))


def _first_rows(plan: AnswerPlan, rows: pa.Table) -> pa.Table:
    order = [name for name in plan.order if name != "subject"]
    values = ["value"] if "value" in rows.column_names else []
    columns = ["person", *order, *plan.question.by, *values]
    sorting = [(name, "ascending") for name in dict.fromkeys(columns)]
    ordered = rows.take(pc.sort_indices(rows, sort_keys=sorting))
    people = _numbered(ordered["person"])
    begins = np.flatnonzero(np.r_[True, people[1:] != people[:-1]]) if len(people) else np.zeros(0, np.int64)
    place = np.arange(len(people)) - np.repeat(begins, np.diff(np.r_[begins, len(people)]))
    return ordered.filter(pa.array(place < plan.rows_per_person))


def _cell_numbers(plan: AnswerPlan, rows: pa.Table) -> Integers:
    numbers = np.zeros(rows.num_rows, np.int64)
    for key in plan.keys:
        place = pc.index_in(_as_text(rows[key.column]), value_set=pa.array(key.values, pa.string()))
        numbers = numbers * len(key.values) + place.to_numpy().astype(np.int64)
    return numbers


def _clamped_steps(plan: AnswerPlan, values: npt.NDArray[np.float64]) -> Integers:
    lower, upper = _clamps(plan)
    larger = max(abs(lower), abs(upper))
    steps = np.rint(np.clip(values, lower, upper) / larger * GRID).astype(np.int64)
    return np.clip(steps, -GRID, GRID)


def _split_shares(
    plan: AnswerPlan, values: npt.NDArray[np.float64], people: Integers
) -> tuple[Integers, Integers]:
    lower, upper = _clamps(plan)
    share = GRID // np.maximum(np.bincount(people), 1)[people]
    place = (np.clip(values, lower, upper) - lower) / (upper - lower)
    near_upper = np.clip(np.rint(place * share).astype(np.int64), 0, share)
    return near_upper, share - near_upper


def _clamps(plan: AnswerPlan) -> tuple[float, float]:
    if plan.bounds is None:
        raise ValueError("a plan for sums or means has bounds")
    return float(plan.bounds[0]), float(plan.bounds[1])


def _add_up(cells: Integers, amounts: Integers, size: int) -> list[int]:
    totals = np.zeros(size, np.int64)
    np.add.at(totals, cells, amounts)
    return [int(total) for total in totals]


def _numbered(names: pa.ChunkedArray) -> Integers:
    numbers: Integers = names.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers


def _as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _is_number(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether a value is there and, where it is a number, finite."""
    if pa.types.is_floating(values.type):
        return pc.fill_null(pc.is_finite(values), False)
    return pc.is_valid(values)
