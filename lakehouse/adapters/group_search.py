"""k-anonymity, l-diversity and t-closeness by full-domain generalisation, with the least loss (NumPy).

Rows are counted once; the search then merges combinations of codes, from the smallest table at hand
that is finer than the node. Its result is exact: whole numbers throughout, ties as `search_grouping` says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lakehouse.adapters.class_counts import Column, Combinations, Flags, Whole, sums_by_place
from lakehouse.adapters.class_distances import Distances, distances_of, largest_distance
from lakehouse.adapters.level_lattice import LevelLattice, Levels, LossWeights
from lakehouse.adapters.merged_tables import MergedTables
from lakehouse.adapters.quasi_codes import QuasiCodes
from lakehouse.core.groups import GroupMeasures, GroupTargets, SensitiveColumn

ROUNDING = 1e-6
"""How far, as a share of a row, a bound in floats may err before it closes a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPeople:
    """A table of people as counts: what the search needs, and no row."""

    quasi: tuple[QuasiCodes, ...]
    classes: Combinations
    sensitive: tuple[SensitiveColumn, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.classes.counts.sum())

    def at(self, levels: Levels) -> Combinations:
        """Return the classes at these levels."""
        return MergedTables(self.quasi, self.classes, ()).at(levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """One point of the lattice: a level a quasi-identifier, the classes that stay, what it costs.

    stays: which classes meet the targets. loss: mean normalised certainty penalty over all rows, a
    suppressed row costing 1; lost: that of each column over the rows that stay.
    """

    levels: Levels
    classes: Combinations
    stays: Flags
    suppressed: int
    loss: Fraction
    lost: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitting:
    """A node that meets the targets; loss in the lattice's whole numbers."""

    levels: Levels
    classes: Combinations
    stays: Flags
    suppressed: int
    loss: int

    @property
    def order(self) -> tuple[int, int, Levels]:
        return self.loss, self.suppressed, self.levels


def search_grouping(people: CodedPeople, targets: GroupTargets) -> Grouping | None:
    """Return the grouping of least loss that meets the targets, or None.

    Every level of every hierarchy may stand with every other (full-domain generalisation); among equal
    losses fewer suppressed rows win, then finer levels.
    """
    if not people.rows:
        return None
    search = _Search(people, targets)
    found = search.run()
    return None if found is None else search.grouping(found)


def group_rows(people: CodedPeople, levels: Levels, targets: GroupTargets) -> Grouping | None:
    """Generalise to `levels` and leave out the classes that miss a target; None where none stays."""
    search = _Search(people, targets)
    found = search.fit(levels, people.at(levels))
    return None if found is None else search.grouping(found)


def measure_classes(classes: Combinations, sensitive: Sequence[SensitiveColumn]) -> GroupMeasures:
    """Measure k, l and t of finished classes; k is 0 without a row, l and t None without a column."""
    if not len(classes):
        return GroupMeasures(k=0, l=None, t=None)
    k = int(classes.counts.min())
    if not sensitive:
        return GroupMeasures(k=k, l=None, t=None)
    fewest = min(int(values.diversity(len(classes)).min()) for values in classes.sensitive)
    everything = np.ones(len(classes), np.bool_)
    distances = list(_distances(classes, everything, sensitive))
    return GroupMeasures(k=k, l=fewest, t=largest_distance(distances))


class _Search:
    """The nodes still open, the tables at hand, and the best result so far."""

    def __init__(self, people: CodedPeople, targets: GroupTargets) -> None:
        self._people = people
        self._targets = targets
        self._allowed = int(targets.suppression * people.rows)
        self._weights = LossWeights(people.quasi, people.rows)
        self._lattice = LevelLattice(people.quasi, people.classes, self._weights)
        self._tables = MergedTables(people.quasi, people.classes, self._lattice.columns_by_spread)

    def run(self) -> _Fitting | None:
        """Look at open nodes until none is left."""
        best: _Fitting | None = None
        levels: Levels | None = self._lattice.top
        while levels is not None:
            self._lattice.close(levels)
            found = self._look(levels)
            if found is not None and (best is None or found.order < best.order):
                best = found
            if best is not None:
                self._lattice.close_beaten(*best.order)
            levels = self._lattice.promising()
        return best

    def fit(self, levels: Levels, classes: Combinations) -> _Fitting | None:
        """Return the node with the classes that meet the targets, however many rows that leaves out."""
        stays = (classes.counts >= self._targets.k) & _diverse(classes, self._targets.l)
        return self._closest(levels, classes, stays, self._people.rows)

    def grouping(self, found: _Fitting) -> Grouping:
        """Return a result with its losses as shares."""
        rows = self._people.rows
        stay = found.classes.counts * found.stays
        lost = (
            Fraction(_lost(column, level, codes, stay), rows - found.suppressed)
            for column, level, codes in zip(
                self._people.quasi, found.levels, found.classes.codes, strict=True
            )
        )
        return Grouping(
            levels=found.levels,
            classes=found.classes,
            stays=found.stays,
            suppressed=found.suppressed,
            loss=Fraction(found.loss, self._weights.unit * rows),
            lost=tuple(lost),
        )

    def _look(self, levels: Levels) -> _Fitting | None:
        """Return the node where it meets the targets; the lattice learns what holds for finer ones."""
        classes = self._tables.at(levels)
        stays: Flags = classes.counts >= self._targets.k
        if self._leaves_out(classes, stays) <= self._allowed:
            stays &= _diverse(classes, self._targets.l)
        suppressed = self._leaves_out(classes, stays)
        far = self._rows_too_far(classes, stays) if suppressed <= self._allowed else 0.0
        if suppressed + far > self._allowed + ROUNDING:
            self._lattice.close_finer(levels)
            return None
        self._lattice.raise_bounds(levels, self._extra(levels, classes, stays), suppressed)
        return self._closest(levels, classes, stays, self._allowed)

    def _closest(self, levels: Levels, classes: Combinations, stays: Flags, allowed: int) -> _Fitting | None:
        """Leave out the classes that lie too far from the rest; None where that is all or too many rows."""
        sensitive, limit = self._people.sensitive, self._targets.t
        far = limit < 1
        while far and stays.any() and self._leaves_out(classes, stays) <= allowed:
            # t compares with the finished table, so leaving a class out moves the goal for the others
            above = np.zeros(int(stays.sum()), np.bool_)
            for distances in _distances(classes, stays, sensitive):
                above |= distances.above(limit)
            stays = _without(stays, above)
            far = bool(above.any())
        if not stays.any() or self._leaves_out(classes, stays) > allowed:
            return None
        return _Fitting(
            levels=levels,
            classes=classes,
            stays=stays,
            suppressed=self._leaves_out(classes, stays),
            loss=self._lattice.unsuppressed(levels) + self._extra(levels, classes, stays),
        )

    def _rows_too_far(self, classes: Combinations, stays: Flags) -> float:
        """Return how many more rows any finer node must leave out for t, at least.

        Distances are convex: parts of a class that lies at d from a table cannot all lie within t of
        it, and what lies beyond holds at least (d - t) / (1 - t) of its rows. The finished table lies
        within the allowed suppression of the whole one, which is fixed.
        """
        reach = float(self._targets.t) + self._allowed / self._people.rows
        if reach >= 1 or not self._people.sensitive:
            return 0.0
        beyond = np.zeros(int(stays.sum()))
        for column, values in zip(self._people.sensitive, classes.sensitive, strict=True):
            totals = values.totals()
            # a rank that vanishes with the rows left out would change what an ordered distance is divided by
            if not column.ordered or int(totals.min(initial=self._allowed + 1)) > self._allowed:
                kept = values.of_classes(stays)
                found = distances_of(kept, classes.counts[stays], totals, ordered=column.ordered)
                beyond = np.maximum(beyond, (found.shares() - reach) / (1 - reach))
        return float((classes.counts[stays] * beyond).sum()) * (1 - ROUNDING)

    def _leaves_out(self, classes: Combinations, stays: Flags) -> int:
        return int(classes.counts[~stays].sum())

    def _extra(self, levels: Levels, classes: Combinations, stays: Flags) -> int:
        """Return what suppressed rows cost more than their labels would."""
        missing = self._weights.unit - self._weights.of_classes(classes, levels)
        return int((classes.counts * missing)[~stays].sum())


def _diverse(classes: Combinations, least: int) -> Flags:
    found = np.ones(len(classes), np.bool_)
    if least > 1:
        for values in classes.sensitive:
            found &= values.diversity(len(classes)) >= least
    return found


def _distances(
    classes: Combinations, stays: Flags, sensitive: Sequence[SensitiveColumn]
) -> Iterator[Distances]:
    """Yield, a column, the distances between the classes that stay and all of them together."""
    for column, values in zip(sensitive, classes.sensitive, strict=True):
        kept = values.of_classes(stays)
        yield distances_of(kept, classes.counts[stays], kept.totals(), ordered=column.ordered)


def _without(stays: Flags, above: Flags) -> Flags:
    left = stays.copy()
    left[np.flatnonzero(stays)[above]] = False
    return left


def _lost(column: QuasiCodes, level: int, codes: Column, rows: Whole) -> Fraction:
    """Return the summed penalties of the rows."""
    held = sums_by_place(column.places[level][codes], rows, len(column.labels[level]))
    return sum(
        (int(count) * share for count, share in zip(held, column.penalties[level], strict=True)), Fraction(0)
    )
