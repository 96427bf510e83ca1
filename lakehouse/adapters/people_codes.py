"""From rows of people to counts and back: columns encoded once, labels written by look-up (PyArrow)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lakehouse.adapters.box_search import Boxes, held_places
from lakehouse.adapters.class_counts import Column, Whole, count_combinations, pack_keys
from lakehouse.adapters.group_search import CodedPeople, Grouping
from lakehouse.adapters.quasi_codes import Codes, quasi_codes, rank_codes
from lakehouse.core.groups import SensitiveColumn
from lakehouse.core.hierarchies import Hierarchy

SUPPRESSED = -1

_Named = tuple[Sequence[str], Whole]
"""The labels of a column, and of each class the place of its label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowClasses:
    """The classes that leave, in the order of their labels; no two have the same.

    names: a column, its labels; held: a column, the place of each class's label among them; place: a
    row, its class, `SUPPRESSED` where it has none.
    """

    names: tuple[tuple[str, ...], ...]
    held: tuple[Whole, ...]
    place: Whole

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """The labels of each class."""
        columns = [
            [names[at] for at in held.tolist()] for names, held in zip(self.names, self.held, strict=True)
        ]
        return list(zip(*columns, strict=True))

    def generalised(self, rows: pa.Table, order: Whole, names: Sequence[str]) -> pa.Table:
        """Return these rows of the table the classes were made from, with the labels under `names`."""
        kept = rows.take(pa.array(order))
        place = self.place[order]
        for name, labels, held in zip(names, self.names, self.held, strict=True):
            at = held.astype(np.min_scalar_type(-len(labels)))[place]
            column = pa.DictionaryArray.from_arrays(pa.array(at), pa.array(labels, pa.string()))
            kept = kept.drop_columns([name]) if name in kept.column_names else kept
            kept = kept.append_column(name, column)
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedRows:
    """Rows as codes, one a row and quasi-identifier, with the counts that the search works on."""

    codes: tuple[Codes, ...]
    people: CodedPeople

    def classes(self, found: Grouping | Boxes) -> RowClasses:
        """Return the classes that a search made of the rows."""
        return self._joined_rows(found) if isinstance(found, Boxes) else self._levelled_rows(found)

    def _levelled_rows(self, grouping: Grouping) -> RowClasses:
        quasi = list(zip(self.people.quasi, grouping.levels, strict=True))
        stays = np.flatnonzero(grouping.stays)
        kept = [codes[stays] for codes in grouping.classes.codes]
        sizes = [len(column.labels[level]) for column, level in quasi]
        places = [
            column.places[level].astype(np.min_scalar_type(size))
            for (column, level), size in zip(quasi, sizes, strict=True)
        ]
        own = [of_code[codes] for of_code, codes in zip(places, kept, strict=True)]
        rows = [of_code[codes] for of_code, codes in zip(places, self.codes, strict=True)]
        named = [(column.labels[level], held) for (column, level), held in zip(quasi, own, strict=True)]
        return _in_order(named, _places_among(own, rows, sizes))

    def _joined_rows(self, boxes: Boxes) -> RowClasses:
        combinations = self.people.classes.codes
        named = []
        for axis, codes in zip(boxes.axes, combinations, strict=True):
            places = axis.places(codes).astype(np.int64)
            there = held_places(axis, boxes.box, places, len(boxes.sizes))
            _, sample, label = np.unique(
                np.packbits(there, axis=1), axis=0, return_index=True, return_inverse=True
            )
            named.append(([axis.label(there[box]) for box in sample], label.reshape(-1)))
        sizes = [column.size for column in self.people.quasi]
        return _in_order(named, boxes.box[_places_among(combinations, self.codes, sizes)])


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


def _places_among(items: Sequence[Column], rows: Sequence[Column], sizes: Sequence[int]) -> Whole:
    """Return, a row, which item has its codes; `SUPPRESSED` where none has."""
    count = len(items[0])
    joined = [np.concatenate(pair) for pair in zip(items, rows, strict=True)]
    keys = pack_keys(joined, sizes)
    own, asked = keys[:count], keys[count:]
    ascending = np.argsort(own)
    found = np.searchsorted(own[ascending], asked)
    place = ascending[np.minimum(found, count - 1)]
    return np.where(own[place] == asked, place, SUPPRESSED)


def _in_order(named: Sequence[_Named], item_of_row: Whole) -> RowClasses:
    """Return classes by label; items: places in each of `named`, those of equal labels are one class."""
    columns = [_sorted_labels(labels, held) for labels, held in named]
    key = pack_keys([held for _, held in columns], [len(labels) for labels, _ in columns])
    _, sample, place = np.unique(key, return_index=True, return_inverse=True)
    return RowClasses(
        names=tuple(labels for labels, _ in columns),
        held=tuple(held[sample] for _, held in columns),
        place=np.append(place, SUPPRESSED)[item_of_row],
    )


def _sorted_labels(labels: Sequence[str], held: Whole) -> tuple[tuple[str, ...], Whole]:
    names = sorted(set(labels))
    rank = {label: place for place, label in enumerate(names)}
    return tuple(names), np.array([rank[label] for label in labels], np.int64)[held]
