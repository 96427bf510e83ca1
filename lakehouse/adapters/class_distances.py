"""Distances between each class and the whole table, exact: a whole number over class size and table size.

The definitions are those of `core.groups` (Li 2007); a class is a short list of the values it has, so the
cost is that of the values that occur, not of classes times values.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse.adapters.class_counts import Flags, ValueCounts, Whole

Amounts = npt.NDArray[Any]
"""Whole numbers: 64 bits where every product fits, Python's own where it may not."""

SAFE = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """The distance of class i is parts[i] / (scale * sizes[i] * rows), 0 to 1."""

    parts: Amounts
    scale: int
    sizes: Whole
    rows: int

    def above(self, limit: Fraction) -> Flags:
        """Return which classes are further away than `limit`."""
        reach = int(self.sizes.max(initial=0)) * self.scale * self.rows
        wide = reach * max(limit.numerator, limit.denominator) > SAFE
        kind: type = object if wide else np.int64
        bound: Amounts = self.sizes.astype(kind) * (self.scale * self.rows * limit.numerator)
        return np.asarray(self.parts.astype(kind) * limit.denominator > bound, np.bool_)

    def largest(self) -> Fraction:
        """Return the largest distance, 0 without a class."""
        held = self.shares()
        near = np.flatnonzero(held >= held.max(initial=0.0) * (1 - 1e-9))
        return max((self._exact(int(place)) for place in near), default=Fraction(0))

    def shares(self) -> npt.NDArray[np.float64]:
        """Return the distances as floats."""
        divisor = float(self.scale * max(self.rows, 1)) * np.maximum(self.sizes, 1)
        return np.asarray(self.parts.astype(float) / divisor, np.float64)

    def _exact(self, place: int) -> Fraction:
        return Fraction(int(self.parts[place]), self.scale * int(self.sizes[place]) * self.rows)


def distances_of(counts: ValueCounts, sizes: Whole, totals: Whole, *, ordered: bool) -> Distances:
    """Return how far each class lies from a table that holds them all.

    sizes: rows a class, none empty; totals: rows of the table by rank of the value.
    """
    rows = int(totals.sum())
    reach = int(sizes.max(initial=0)) * rows * max(len(totals), 2)
    kind: type = object if reach > SAFE else np.int64
    distance = _earth_movers if ordered else _total_variation
    parts, scale = distance(counts, counts.count.astype(kind), sizes.astype(kind), totals.astype(kind))
    return Distances(parts=parts, scale=scale, sizes=sizes, rows=rows)


def largest_distance(distances: Iterable[Distances]) -> Fraction:
    """Return the largest distance over columns and classes."""
    return max((found.largest() for found in distances), default=Fraction(0))


def _total_variation(
    counts: ValueCounts, count: Amounts, sizes: Amounts, totals: Amounts
) -> tuple[Amounts, int]:
    """Sum |count / size - total / rows|: what a class lacks adds the totals that its values leave over."""
    rows = totals.sum()
    expected = totals[counts.value] * sizes[counts.group]
    parts = sizes * rows
    np.add.at(parts, counts.group, np.abs(count * rows - expected) - expected)
    return parts, 2


def _earth_movers(
    counts: ValueCounts, count: Amounts, sizes: Amounts, totals: Amounts
) -> tuple[Amounts, int]:
    """Sum what is moved past each rank, a run of ranks at a time: between two values a class stands still.

    In a run the class has had `inside` of its rows; up to the rank `turn` the whole has had a smaller
    share and beyond it a larger one, and prefix sums give both sides.
    """
    there = np.flatnonzero(totals > 0)
    ranks = len(there)
    if ranks < 2:
        return sizes * 0, 1
    outside = np.cumsum(totals[there])
    summed = np.concatenate(([0], np.cumsum(outside)))
    begin = np.searchsorted(there, counts.value)
    first, end = _runs(counts.group, begin, ranks)
    passed = np.cumsum(count)
    lengths = np.diff(np.append(np.flatnonzero(first), len(count)))
    inside = (passed - np.repeat((passed - count)[first], lengths)) * outside[-1]
    size = sizes[counts.group]
    turn = np.clip(np.searchsorted(outside, inside // size, side="right"), begin, end)
    parts = sizes * 0
    np.add.at(parts, counts.group, (2 * turn - begin - end) * inside)
    np.add.at(parts, counts.group, size * (summed[end] + summed[begin] - 2 * summed[turn]))
    np.add.at(parts, counts.group[first], size[first] * summed[begin[first]])
    return parts, ranks - 1


def _runs(group: Whole, begin: Whole, ranks: int) -> tuple[Flags, Whole]:
    """Return which value is its class's first, and up to which rank a class stands still after each."""
    first = np.ones(len(group), np.bool_)
    first[1:] = group[1:] != group[:-1]
    end = np.append(begin[1:], ranks)
    end[np.append(first[1:], True)] = ranks
    return first, end
