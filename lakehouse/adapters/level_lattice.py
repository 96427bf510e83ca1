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

from lakehouse.adapters.class_counts import Column, Combinations, Whole, sums_by_place
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
        pairs = list(zip(quasi, classes.codes, strict=True))
        self.shape = tuple(column.levels for column in quasi)
        self.loss: Amounts = np.asarray(reduce(np.add.outer, weights.of_levels(classes)))
        self.suppressed = np.zeros(self.shape, np.int64)
        self.open = np.ones(self.shape, np.bool_)
        spreads = [_entropies(column, codes, classes.counts) for column, codes in pairs]
        self._spread = np.asarray(reduce(np.add.outer, spreads))
        self.columns_by_spread = sorted(range(len(quasi)), key=lambda column: -spreads[column][0])
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

    def promising(self) -> Levels | None:
        """Return the open node that has the fewest classes, as far as its columns tell one by one.

        Only the half of least possible loss is looked at: meeting the targets there closes the other
        half, and missing them closes all that is finer still.
        """
        places = np.flatnonzero(self.open)
        if not len(places):
            return None
        losses = self.loss.reshape(-1)[places].astype(float)
        half = places[np.argsort(losses, kind="stable")[: (len(places) + 1) // 2]]
        chosen = half[np.argmin(self._spread.reshape(-1)[half])]
        return tuple(int(level) for level in np.unravel_index(chosen, self.shape))

    def _finer(self, levels: Levels) -> tuple[npt.NDArray[np.intp], ...]:
        pairs = zip(self._refines, levels, strict=True)
        return np.ix_(*(np.flatnonzero(known[:, level]) for known, level in pairs))


def _entropies(column: QuasiCodes, codes: Column, counts: Whole) -> npt.NDArray[np.float64]:
    """Return how evenly rows are spread over the labels of each level, in nats."""
    held = []
    for places, labels in zip(column.places, column.labels, strict=True):
        rows = sums_by_place(places[codes], counts, len(labels))
        shares = rows[rows > 0] / rows.sum()
        held.append(-float((shares * np.log(shares)).sum()))
    return np.array(held)
