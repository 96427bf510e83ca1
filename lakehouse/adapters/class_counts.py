"""Combinations of codes and how many rows have each: counted once, then merged, never over rows again."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Column = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

LARGEST_KEY = 2**62
DENSE = 4
"""Up to how many places a key keys are counted in an array of places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCounts:
    """How often each value of a sensitive column occurs in each class, by class and rank of the value.

    values: how many ranks there are.
    """

    group: Whole
    value: Whole
    count: Whole
    values: int

    def merged(self, group_of: Whole) -> "ValueCounts":
        """Return the counts of coarser classes; group_of: class -> the class it falls into."""
        key, count = sum_by_key(group_of[self.group] * self.values + self.value, self.count)
        group, value = np.divmod(key, self.values)
        return ValueCounts(group=group, value=value, count=count, values=self.values)

    def totals(self) -> Whole:
        """Return the rows of each value over all classes."""
        return sums_by_place(self.value, self.count, self.values)

    def diversity(self, groups: int) -> Whole:
        """Return how many distinct values each class has."""
        return np.bincount(self.group, minlength=groups)

    def of_classes(self, kept: Flags) -> "ValueCounts":
        """Return the counts of the kept classes alone, numbered anew in their order."""
        stays = kept[self.group]
        number = np.cumsum(kept) - 1
        return ValueCounts(
            group=number[self.group[stays]],
            value=self.value[stays],
            count=self.count[stays],
            values=self.values,
        )


class Combinations:
    """Classes of rows: the codes that each class stands for, its rows, and its sensitive values on demand."""

    def __init__(
        self, codes: tuple[Column, ...], counts: Whole, sensitive: Callable[[], tuple[ValueCounts, ...]]
    ) -> None:
        """Hold one item a class in each of `codes` and in `counts` (its rows)."""
        self.codes = codes
        self.counts = counts
        self._count_values = sensitive
        self._sensitive: tuple[ValueCounts, ...] | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def sensitive(self) -> tuple[ValueCounts, ...]:
        """The sensitive columns' counts, counted when first asked for."""
        if self._sensitive is None:
            self._sensitive = self._count_values()
            held = self._sensitive
            self._count_values = lambda: held
        return self._sensitive

    def merged(self, places: Sequence[Whole], sizes: Sequence[int]) -> "Combinations":
        """Return the classes that share labels. places: a column, code -> place among `sizes` labels."""
        group, sample = group_by_key(_label_keys(self.codes, places, sizes))
        return Combinations(
            tuple(codes[sample] for codes in self.codes),
            sums_by_place(group, self.counts, len(sample)),
            lambda: tuple(values.merged(group) for values in self.sensitive),
        )


def count_combinations(
    quasi: Sequence[tuple[Column, int]], sensitive: Sequence[tuple[Column, int]]
) -> Combinations:
    """Count rows by their codes. Both hold, a column, its codes in row order and how many there are."""
    columns, counts = _count_rows([*quasi, *sensitive])
    owners, codes = _grouped(columns[: len(quasi)], [size for _, size in quasi])
    held = []
    for values, (_, size) in zip(columns[len(quasi) :], sensitive, strict=True):
        key, count = sum_by_key(owners * size + values.astype(np.int64), counts)
        group, value = np.divmod(key, size)
        held.append(ValueCounts(group=group, value=value, count=count, values=size))
    return Combinations(codes, sums_by_place(owners, counts, len(codes[0])), lambda: tuple(held))


def sum_by_key(key: Whole, count: Whole) -> tuple[Whole, Whole]:
    """Return the distinct keys, ascending, and the summed counts of each."""
    if _dense(key):
        sums = sums_by_place(key, count, 0)
        found = np.flatnonzero(sums)
        return found, sums[found]
    key, order = _sorted_keys(key)
    begins = np.flatnonzero(_new_keys(key))
    return key[begins], np.add.reduceat(count[order], begins)


def group_by_key(key: Whole) -> tuple[Whole, Whole]:
    """Return the number of the group of each item, groups by ascending key, and one item of each group."""
    if _dense(key):
        found = np.bincount(key) > 0
        group = (np.cumsum(found) - 1)[key]
        sample = np.empty(int(found.sum()), np.int64)
        sample[group] = np.arange(len(key))
        return group, sample
    ordered, order = _sorted_keys(key)
    new = _new_keys(ordered)
    group = np.empty(len(key), np.int64)
    group[order] = np.cumsum(new) - 1
    return group, order[new]


def _dense(key: Whole) -> bool:
    """Whether counting by place is cheaper than sorting; always so where there is no key."""
    return int(key.max(initial=0)) <= DENSE * len(key)


def _sorted_keys(key: Whole) -> tuple[Whole, Whole]:
    """Return the keys ascending and where each stood; where both fit one number, that sorts faster."""
    bits = max(len(key) - 1, 0).bit_length()
    if int(key.max(initial=0)) >> (62 - bits):
        order = np.argsort(key)
        return key[order], order
    joined = np.sort((key << bits) | np.arange(len(key)))
    return joined >> bits, joined & ((1 << bits) - 1)


def _new_keys(ordered: Whole) -> Flags:
    new = np.ones(len(ordered), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return new


def pack_keys(columns: Sequence[Column], sizes: Sequence[int]) -> Whole:
    """Return one number an item that tells combinations apart (mixed radix); order is that of the codes."""
    key, reach = columns[0].astype(np.int64), sizes[0]
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        if reach * size > LARGEST_KEY:
            seen, key = np.unique(key, return_inverse=True)
            reach = len(seen)
        key = key * size + column
        reach *= size
    return key


def _label_keys(codes: Sequence[Column], places: Sequence[Whole], sizes: Sequence[int]) -> Whole:
    """Return the packed labels of classes: each code's share of the key is looked up, one table a column."""
    if math.prod(sizes) > LARGEST_KEY:
        return pack_keys([place[held] for place, held in zip(places, codes, strict=True)], sizes)
    key = np.zeros(len(codes[0]), np.int64)
    step = 1
    for place, held, size in zip(reversed(places), reversed(codes), reversed(sizes), strict=True):
        if size > 1:
            key += (place * step)[held]
        step *= size
    return key


def _count_rows(columns: Sequence[tuple[Column, int]]) -> tuple[list[Column], Whole]:
    sizes = [size for _, size in columns]
    key = pack_keys([codes for codes, _ in columns], sizes)
    if math.prod(sizes) > LARGEST_KEY:
        group, sample = group_by_key(key)
        return [codes[sample] for codes, _ in columns], np.bincount(group, minlength=len(sample))
    found, counts = np.unique(key, return_counts=True)
    held: list[Column] = []
    for codes, size in reversed(columns):
        found, digit = np.divmod(found, size)
        held.append(digit.astype(codes.dtype))
    return held[::-1], counts


def _grouped(columns: Sequence[Column], sizes: Sequence[int]) -> tuple[Whole, tuple[Column, ...]]:
    group, sample = group_by_key(pack_keys(columns, sizes))
    return group, tuple(codes[sample] for codes in columns)


def sums_by_place(place: Column, count: Whole, size: int) -> Whole:
    """Return the counts summed by place; exact below 2**53 rows."""
    return np.bincount(place, weights=count, minlength=size).astype(np.int64)
