"""The classes of any node of the lattice, merged from the smallest table that it shares with others.

The columns whose merging joins most are merged one after the other, in a fixed order, so that nodes
which agree on their levels there share the tables on the way; those longest unused are dropped.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from lakehouse.adapters.class_counts import Combinations
from lakehouse.adapters.quasi_codes import QuasiCodes

Levels = tuple[int, ...]

SHARED_COLUMNS = 3
MOST_KEPT = 6
"""How many times the distinct combinations of rows all kept tables may hold together."""


class MergedTables:
    """Tables by the levels of their first columns, the others not merged yet."""

    def __init__(self, quasi: Sequence[QuasiCodes], classes: Combinations, order: Sequence[int]) -> None:
        """Start from all distinct combinations; order: columns, the one that joins most first."""
        self._quasi = quasi
        self._classes = classes
        self._shared = tuple(order[:SHARED_COLUMNS])
        self._apart = tuple((np.arange(column.size), column.size) for column in quasi)
        self._kept: OrderedDict[Levels, Combinations] = OrderedDict()

    def at(self, levels: Levels) -> Combinations:
        """Return the classes of a node."""
        source = self._table(tuple(levels[column] for column in self._shared))
        labels = [_labels(column, level) for column, level in zip(self._quasi, levels, strict=True)]
        return source.merged([places for places, _ in labels], [size for _, size in labels])

    def _table(self, prefix: Levels) -> Combinations:
        """Return the table in which the first columns stand at these levels."""
        if not prefix:
            return self._classes
        if prefix in self._kept:
            self._kept.move_to_end(prefix)
            return self._kept[prefix]
        source = self._table(prefix[:-1])
        column, level = self._shared[len(prefix) - 1], prefix[-1]
        if len(self._quasi[column].labels[level]) == self._quasi[column].size:
            return source
        labels = [*self._apart]
        labels[column] = _labels(self._quasi[column], level)
        for earlier, at in zip(self._shared, prefix[:-1], strict=False):
            labels[earlier] = _labels(self._quasi[earlier], at)
        table = source.merged([places for places, _ in labels], [size for _, size in labels])
        self._keep(prefix, table)
        return table

    def _keep(self, prefix: Levels, table: Combinations) -> None:
        self._kept[prefix] = table
        while sum(map(len, self._kept.values())) > MOST_KEPT * len(self._classes):
            self._kept.popitem(last=False)


def _labels(column: QuasiCodes, level: int) -> tuple[np.ndarray, int]:
    return column.places[level], len(column.labels[level])
