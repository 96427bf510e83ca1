"""From people to one released row a person: generalised, the rest left out (PyArrow)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.box_search import Boxes, search_boxes
from lakehouse.adapters.class_counts import Whole, count_combinations
from lakehouse.adapters.group_search import CodedPeople, Grouping, measure_classes, search_grouping
from lakehouse.adapters.people_codes import SUPPRESSED, CodedRows, RowClasses, encode_people
from lakehouse.adapters.quasi_codes import rank_codes
from lakehouse.adapters.release_rows import SUBJECT, FinishedRows, cell_name, require_columns
from lakehouse.core.groups import GroupMeasures, GroupTargets
from lakehouse.core.release_rules import Recoding, ReleaseRules
from lakehouse.core.utility import (
    ClassSizes,
    LossPoint,
    Utility,
    column_loss,
    curve_of,
    loss_point,
    told_risk,
)
from lakehouse.errors import ContractError


def finish_people(
    rows: pa.Table, rules: ReleaseRules, released: Sequence[str], file: str
) -> FinishedRows | None:
    """Generalise one row a person to the least loss that meets k, l and t; None where nothing does.

    Raises:
        ContractError: the SQL gives a person twice, or lacks a column.
    """
    require_columns(rows, _people_columns(rules, released), file)
    distinct = pc.count_distinct(rows.column(SUBJECT), mode="all").as_py()
    if distinct != len(rows):
        raise ContractError(file, "sql", f"gives {len(rows)} rows for {distinct} people, one each is needed")
    coded = code_people(rows, rules)
    found = recode_people(coded.people, rules.targets, rules.recoding)
    if found is None:
        return None
    classes = coded.classes(found)
    order = np.argsort(classes.place, kind="stable")[found.suppressed :]
    return FinishedRows(
        rows=_texts(classes.generalised(rows, order, rules.released_quasi).select(list(released))),
        cells=_cells(rows, classes, order),
        suppressed=found.suppressed,
        total=len(rows),
        levels=found.levels,
        loss=found.loss,
        utility=_utility(rows, coded.people, classes, found, rules),
    )


def recode_people(people: CodedPeople, targets: GroupTargets, recoding: Recoding) -> Grouping | Boxes | None:
    """Return how people are made alike at the least loss; None where nothing meets the targets."""
    search = search_boxes if recoding is Recoding.LOCAL else search_grouping
    return search(people, targets)


def code_people(rows: pa.Table, rules: ReleaseRules) -> CodedRows:
    """Return quasi-identifiers and sensitive values as the search wants them."""
    quasi = [(found.column, found.hierarchy) for found in rules.quasi_identifiers]
    return encode_people(rows, quasi, rules.sensitive)


def measure_people(rows: pa.Table, rules: ReleaseRules) -> GroupMeasures:
    """Measure k, l and t of a finished table of people: its own labels are grouped, nothing is remembered."""
    labels = [rank_codes(rows.column(name)) for name in rules.released_quasi]
    sensitive = [rank_codes(rows.column(column.name)) for column in rules.sensitive]
    return measure_classes(count_combinations(labels, sensitive), rules.sensitive)


def _people_columns(rules: ReleaseRules, released: Sequence[str]) -> list[str]:
    plain = [name for name in released if name not in rules.released_quasi]
    return [SUBJECT, *(found.column for found in rules.quasi_identifiers), *plain]


def _texts(rows: pa.Table) -> pa.Table:
    """Return the table with its labels as plain texts, which is how every reader takes them."""
    plain = [
        pa.field(own.name, own.type.value_type) if pa.types.is_dictionary(own.type) else own
        for own in rows.schema
    ]
    return rows.cast(pa.schema(plain))


def _cells(rows: pa.Table, classes: RowClasses, order: Whole) -> dict[str, frozenset[str]]:
    """Return the people of each class by its labels. order: the rows that stay, class by class."""
    labels = classes.labels
    people = rows.column(SUBJECT).take(pa.array(order)).to_pylist()
    ends = np.cumsum(_rows_by_class(classes))
    begins = [0, *ends[:-1]]
    return {
        cell_name(label): frozenset(people[begin:end])
        for label, begin, end in zip(labels, begins, ends, strict=True)
    }


def _rows_by_class(classes: RowClasses) -> Whole:
    return np.bincount(classes.place[classes.place != SUPPRESSED])


def _utility(
    rows: pa.Table, people: CodedPeople, classes: RowClasses, own: Grouping | Boxes, rules: ReleaseRules
) -> Utility:
    """Say what the release keeps, beside what it would keep at other k."""
    k, step = rules.targets.k, rules.round_to
    named = zip(rules.quasi_identifiers, own.levels, own.lost, strict=True)
    columns = [rank_codes(rows.column(found.column)) for found in rules.quasi_identifiers]
    return Utility(
        k=k,
        curve=tuple(_loss_curve(people, own, rules)),
        columns=tuple(
            column_loss(found.released_as, level, found.hierarchy.levels, lost)
            for found, level, lost in named
        ),
        before=told_risk(_class_sizes(count_combinations(columns, []).counts), k=k, step=step),
        after=told_risk(_class_sizes(_rows_by_class(classes)), k=k, step=1),
    )


def _loss_curve(people: CodedPeople, own: Grouping | Boxes, rules: ReleaseRules) -> Iterator[LossPoint]:
    for k in curve_of(rules.targets.k, people.rows):
        targets = replace(rules.targets, k=k)
        found = own if k == rules.targets.k else recode_people(people, targets, rules.recoding)
        if found is None:
            yield LossPoint(k=k, loss=None, left_out_percent=None)
            return
        yield loss_point(k, found.loss, rows=people.rows, suppressed=found.suppressed, step=rules.round_to)


def _class_sizes(counts: Whole) -> ClassSizes:
    return ClassSizes(
        rows=int(counts.sum()),
        classes=len(counts),
        smallest=int(counts.min()),
        alone=int((counts == 1).sum()),
    )
