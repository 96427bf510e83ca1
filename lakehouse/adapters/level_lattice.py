"""The lattice of generalisation levels with what is known of each node: bounds that need no look at rows.

Whatever a coarser node must leave out, every finer node must leave out too (predictive tagging, as in
Incognito and Flash), if each of its levels parts all that the coarser level parts. Bands of 10 and 15
years do not stand in that relation; it is taken from the labels, level by level, never assumed.
"""

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse.adapters.class_counts import Combinations, sums_by_place
from lakehouse.adapters.quasi_codes import QuasiCodes

Levels = tuple[int, ...]
Amounts = npt.NDArray[Any]

SAFE = 2**62


class LossWeights:
    """Penalties as whole numbers: a suppressed row costs `unit`, a row at `*` everywhere as much."""

    def __init__(self, quasi: Sequence[QuasiCodes], rows: int) -> None:
        """Find the common denominator of all penalties; rows: how many there are at most."""
        shares = {share for column in quasi for level in column.penalties for share in level}
        self.unit = math.lcm(1, *(share.denominator for share in shares)) * len(quasi)
        self.kind: type = object if self.unit * max(rows, 1) > SAFE else np.int64
        step = self.unit // len(quasi)
        self._weights = [
            [
                np.array([int(share * step) for share in labels], self.kind)[places]
                for labels, places in zip(column.penalties, column.places, strict=True)
            ]
            for column in quasi
        ]

    def of_classes(self, classes: Combinations, levels: Levels) -> Amounts:
        """Return what one row of each class costs at these levels."""
        held = zip(self._weights, levels, classes.codes, strict=True)
        return np.asarray(sum(weights[level][codes] for weights, level, codes in held))

    def of_levels(self, classes: Combinations) -> list[Amounts]:
        """Return, a column, what all rows cost at each of its levels."""
        found: list[Amounts] = []
        for weights, codes in zip(self._weights, classes.codes, strict=True):
            rows: Amounts = sums_by_place(codes, classes.counts, len(weights[0])).astype(self.kind)
            found.append(np.array([(rows * level).sum() for level in weights], self.kind))
        return found


class LevelLattice:
    """Every combination of levels, with the least that it can cost and leave out."""

    def __init__(self, quasi: Sequence[QuasiCodes], classes: Combinations, weights: LossWeights) -> None:
        """Start from the loss of each node with nothing left out."""
        self.shape = tuple(column.levels for column in quasi)
        self.loss: Amounts = np.asarray(reduce(np.add.outer, weights.of_levels(classes)))
        self.suppressed = np.zeros(self.shape, np.int64)
        self.open = np.ones(self.shape, np.bool_)
        self.source = np.zeros(self.shape, np.int64)
        self._source_size = np.full(self.shape, len(classes), np.int64)
        self._base = self.loss.copy()
        self._refines = [
            np.array([[column.refines(fine, coarse) for coarse in range(size)] for fine in range(size)])
            for column, size in zip(quasi, self.shape, strict=True)
        ]

    @property
    def top(self) -> Levels:
        """The coarsest node."""
        return tuple(size - 1 for size in self.shape)

    def unsuppressed(self, levels: Levels) -> int:
        """Return what all rows cost at these levels."""
        return int(self._base[levels])

    def offer_source(self, levels: Levels, number: int, size: int) -> None:
        """Say that a table at these levels is at hand, `size` classes from which coarser ones are merged."""
        pairs = zip(self._refines, levels, strict=True)
        coarser = np.ix_(*(np.flatnonzero(known[level]) for known, level in pairs))
        smaller = self._source_size[coarser] > size
        self.source[coarser] = np.where(smaller, number, self.source[coarser])
        self._source_size[coarser] = np.where(smaller, size, self._source_size[coarser])

    def close(self, levels: Levels) -> None:
        """Say that a node needs no further look."""
        self.open[levels] = False

    def close_finer(self, levels: Levels) -> None:
        """Say that no node as fine as this one can meet the targets."""
        self.open[self._finer(levels)] = False

    def raise_bounds(self, levels: Levels, extra: int, suppressed: int) -> None:
        """Say that a node leaves out `suppressed` rows, which costs `extra` more: so does each finer one."""
        finer = self._finer(levels)
        self.loss[finer] = np.maximum(self.loss[finer], self._base[finer] + extra)
        self.suppressed[finer] = np.maximum(self.suppressed[finer], suppressed)

    def close_beaten(self, loss: int, suppressed: int, levels: Levels) -> None:
        """Close all nodes that cannot beat this result: less loss, then fewer rows, then finer levels."""
        later = np.arange(self.open.size).reshape(self.shape) >= np.ravel_multi_index(levels, self.shape)
        more = (self.suppressed > suppressed) | ((self.suppressed == suppressed) & later)
        beaten = (self.loss > loss) | ((self.loss == loss) & more)
        self.open &= ~np.asarray(beaten, np.bool_)

    def middle(self) -> Levels | None:
        """Return an open node whose least loss is about the median of all open ones; the cheapest of those.

        The median halves what is open whether the node meets the targets or not.
        """
        places = np.flatnonzero(self.open)
        if not len(places):
            return None
        low, high = len(places) * 3 // 8, max(len(places) * 5 // 8, len(places) * 3 // 8 + 1)
        ranked = places[np.argsort(self.loss.reshape(-1)[places].astype(float), kind="stable")[low:high]]
        chosen = ranked[np.argmin(self._source_size.reshape(-1)[ranked])]
        return tuple(int(level) for level in np.unravel_index(chosen, self.shape))

    def _finer(self, levels: Levels) -> tuple[npt.NDArray[np.intp], ...]:
        pairs = zip(self._refines, levels, strict=True)
        return np.ix_(*(np.flatnonzero(known[:, level]) for known, level in pairs))
