"""From rows of people to counts and back: columns encoded once, labels written by look-up (PyArrow)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakehouse.adapters.class_counts import Whole, count_combinations, pack_keys
from lakehouse.adapters.group_search import CodedPeople, Grouping
from lakehouse.adapters.quasi_codes import Codes, QuasiCodes, quasi_codes, rank_codes
from lakehouse.core.groups import SensitiveColumn
from lakehouse.core.hierarchies import Hierarchy

SUPPRESSED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedRows:
    """Rows as codes, one a row and quasi-identifier, with the counts that the search works on."""

    codes: tuple[Codes, ...]
    people: CodedPeople

    def class_of_rows(self, grouping: Grouping) -> Whole:
        """Return, a row, its place among the classes that stay, ordered by label; `SUPPRESSED` where none."""
        quasi, levels = self.people.quasi, grouping.levels
        order = kept_order(quasi, grouping)
        sizes = [len(column.labels[level]) for column, level in zip(quasi, levels, strict=True)]
        joined = [
            column.places[level].astype(np.min_scalar_type(size))[np.concatenate((kept[order], rows))]
            for column, level, size, kept, rows in zip(
                quasi, levels, sizes, grouping.classes.codes, self.codes, strict=True
            )
        ]
        keys = pack_keys(joined, sizes)
        kept, rows = keys[: len(order)], keys[len(order) :]
        ascending = np.argsort(kept)
        found = np.searchsorted(kept[ascending], rows)
        place = ascending[np.minimum(found, len(order) - 1)]
        return np.where(kept[place] == rows, place, SUPPRESSED)

    def generalised(self, rows: pa.Table, grouping: Grouping, order: Whole, names: Sequence[str]) -> pa.Table:
        """Return these rows of the table the codes were made from, with the labels under `names`."""
        kept = rows.take(pa.array(order))
        columns = zip(names, self.people.quasi, grouping.levels, self.codes, strict=True)
        for name, column, level, codes in columns:
            places = column.places[level].astype(np.min_scalar_type(-len(column.labels[level])))
            labels = pa.DictionaryArray.from_arrays(
                pa.array(places[codes[order]]), pa.array(column.labels[level], pa.string())
            )
            kept = kept.drop_columns([name]) if name in kept.column_names else kept
            kept = kept.append_column(name, labels)
        return kept


def encode_people(
    rows: pa.Table,
    quasi: Sequence[tuple[str, Hierarchy]],
    sensitive: Sequence[SensitiveColumn],
) -> CodedRows:
    """Encode the columns and count the rows of every combination. quasi: column and its hierarchy."""
    coded = [quasi_codes(rows.column(name), hierarchy) for name, hierarchy in quasi]
    ranked = [rank_codes(rows.column(column.name)) for column in sensitive]
    return CodedRows(
        codes=tuple(codes for codes, _ in coded),
        people=CodedPeople(
            quasi=tuple(made for _, made in coded),
            classes=count_combinations([(codes, made.size) for codes, made in coded], ranked),
            sensitive=tuple(sensitive),
        ),
    )


def kept_order(quasi: Sequence[QuasiCodes], grouping: Grouping) -> Whole:
    """Return the classes that stay, in the order of their labels."""
    stays = np.flatnonzero(grouping.stays)
    labels = kept_labels(quasi, grouping, stays)
    return stays[sorted(range(len(stays)), key=labels.__getitem__)]


def kept_labels(quasi: Sequence[QuasiCodes], grouping: Grouping, classes: Whole) -> list[tuple[str, ...]]:
    """Return the labels of these classes."""
    columns: list[list[str]] = []
    for column, level, codes in zip(quasi, grouping.levels, grouping.classes.codes, strict=True):
        names = column.labels[level]
        columns.append([names[place] for place in column.places[level][codes[classes]]])
    return list(zip(*columns, strict=True))
