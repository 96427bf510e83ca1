"""Columns as small whole numbers: quasi-identifiers by what their hierarchies tell apart, the rest by rank.

Labels and penalties are asked of a hierarchy once a distinct value, never once a row.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.groups import Value, rank_order
from lakehouse.core.hierarchies import Hierarchy

Codes = npt.NDArray[np.unsignedinteger[Any]]
Whole = npt.NDArray[np.int64]
Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuasiCodes:
    """What a hierarchy makes of one column; a code stands for the values that no level tells apart.

    places[level]: code -> place of its label among labels[level]; penalties[level]: label -> share of
    the domain that it covers; samples[level]: label -> one code that has it; values: code -> one value
    that has it.
    """

    hierarchy: Hierarchy
    values: tuple[Value, ...]
    labels: tuple[tuple[str, ...], ...]
    places: tuple[Whole, ...]
    penalties: tuple[tuple[Fraction, ...], ...]
    samples: tuple[Whole, ...]

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.places[0])

    @property
    def levels(self) -> int:
        """How many levels the hierarchy has."""
        return len(self.labels)

    def refines(self, fine: int, coarse: int) -> bool:
        """Whether level `fine` parts everything that `coarse` parts, at no higher penalty anywhere."""
        kept = self.places[coarse] == self.places[coarse][self.samples[fine]][self.places[fine]]
        return bool(kept.all()) and all(
            self.penalties[fine][one] <= self.penalties[coarse][other]
            for one, other in zip(self.places[fine], self.places[coarse], strict=True)
        )


def quasi_codes(column: pa.ChunkedArray, hierarchy: Hierarchy) -> tuple[Codes, QuasiCodes]:
    """Return one code a row and what the hierarchy makes of each code."""
    held, indices = _distinct_values(column)
    levels = range(hierarchy.levels)
    told_apart = [tuple(hierarchy.label(value, level) for level in levels) for value in held]
    coded, code_of = _numbered(told_apart)
    first = dict(zip(reversed(told_apart), reversed(held), strict=True))
    labels, places, penalties, samples = [], [], [], []
    for level in levels:
        own, place_of = _numbered([signature[level] for signature in coded])
        sample = {place: code for code, place in enumerate(place_of)}
        labels.append(tuple(own))
        places.append(np.array(place_of, np.int64))
        samples.append(np.array([sample[place] for place in range(len(own))], np.int64))
        penalties.append(
            tuple(hierarchy.penalty(first[coded[sample[place]]], level) for place in range(len(own)))
        )
    codes = QuasiCodes(
        hierarchy=hierarchy,
        values=tuple(first[signature] for signature in coded),
        labels=tuple(labels),
        places=tuple(places),
        penalties=tuple(penalties),
        samples=tuple(samples),
    )
    return _smallest(code_of, len(coded))[indices], codes


def rank_codes(column: pa.ChunkedArray) -> tuple[Codes, int]:
    """Return the rank of each row's value among the column's distinct values, null last, and how many."""
    held, indices = _distinct_values(column)
    ranked = sorted(set(held), key=rank_order)
    rank_of = {value: rank for rank, value in enumerate(ranked)}
    return _smallest([rank_of[value] for value in held], len(ranked))[indices], len(ranked)


def _distinct_values(column: pa.ChunkedArray) -> tuple[list[Value], Whole]:
    """Return the distinct values and, a row, the place of its value among them."""
    if not len(column):
        return [], np.empty(0, np.int64)
    if pa.types.is_dictionary(column.type) and _holds_null(column):
        column = column.cast(column.type.value_type)
    if pa.types.is_dictionary(column.type):
        chunk = pa.concat_arrays(column.unify_dictionaries().chunks)
    else:
        chunk = pc.dictionary_encode(pa.concat_arrays(column.chunks), null_encoding="encode")
    return chunk.dictionary.to_pylist(), chunk.indices.to_numpy()


def _holds_null(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count) or any(chunk.dictionary.null_count for chunk in column.chunks)


def _numbered(items: Sequence[Item]) -> tuple[list[Item], list[int]]:
    """Return the distinct items in the order they come, and each item's number among them."""
    numbers: dict[Item, int] = {}
    held = [numbers.setdefault(item, len(numbers)) for item in items]
    return list(numbers), held


def _smallest(numbers: Sequence[int], size: int) -> Codes:
    return np.array(numbers, np.min_scalar_type(max(size - 1, 0)))
