"""k-anonymity, l-diversity and t-closeness by local recoding: people cut into boxes, each as small as may be.

After Mondrian (LeFevre, DeWitt and Ramakrishnan 2006): a box of people is cut in two along one column,
again and again, as long as both parts meet the targets. Here the cut is that which saves most penalty,
and all boxes are cut at once, on counted combinations of codes. No row is left out. Boxes do not overlap;
their labels are those of what they hold (docs/adr/local-recoding.md).
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lakehouse.adapters.box_axes import Axis, axis_of
from lakehouse.adapters.class_counts import Flags, ValueCounts, Whole, sum_by_key, sums_by_place
from lakehouse.adapters.class_distances import distances_of
from lakehouse.adapters.group_search import CodedPeople
from lakehouse.core.groups import GroupTargets

Numbers = npt.NDArray[np.float64]

MOST_CELLS = 2**19
"""How many pairs of box and place are held at once, 4 MiB a table of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """How people were cut. box: combination -> its box; sizes: rows a box; axes: one a column.

    loss: mean normalised certainty penalty over all rows; lost: that of each column.
    """

    axes: tuple[Axis, ...]
    box: Whole
    sizes: Whole
    loss: Fraction
    lost: tuple[Fraction, ...]

    @property
    def levels(self) -> tuple[None, ...]:
        """No column stands at one level."""
        return (None,) * len(self.axes)

    @property
    def suppressed(self) -> int:
        """How many rows are left out: none."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """The best cut of each box: what it saves (0 where none may be made), its column, the last place left."""

    saved: Numbers
    column: Whole
    place: Whole


def search_boxes(people: CodedPeople, targets: GroupTargets) -> Boxes | None:
    """Cut people into boxes that meet the targets; None where all of them together do not."""
    search = _BoxSearch(people, targets)
    everything = np.arange(len(people.classes))
    if not people.rows or not search.fits(everything, everything * 0, 1)[0]:
        return None
    search.run()
    return search.boxes()


def held_places(axis: Axis, box: Whole, place: Whole, boxes: int) -> Flags:
    """Return which places of an axis each box holds."""
    there = np.zeros(boxes * axis.size, np.bool_)
    there[box * axis.size + place] = True
    return there.reshape(boxes, axis.size)


class _BoxSearch:
    """The box of each combination, and along which columns a box may still be cut."""

    def __init__(self, people: CodedPeople, targets: GroupTargets) -> None:
        self._people = people
        self._targets = targets
        self._counts = people.classes.counts
        self._axes = tuple(axis_of(column) for column in people.quasi)
        self._places = [
            axis.places(codes) for axis, codes in zip(self._axes, people.classes.codes, strict=True)
        ]
        self._totals = [values.totals() for values in people.classes.sensitive]
        self._box = np.zeros(len(people.classes), np.int64)
        self._closed = np.zeros((1, len(self._axes)), np.bool_)

    def run(self) -> None:
        """Cut until no box can be cut."""
        while True:
            sizes = sums_by_place(self._box, self._counts, len(self._closed))
            ready = np.flatnonzero((sizes >= 2 * self._targets.k) & ~self._closed.all(axis=1))
            if not len(ready):
                return
            self._cut(ready)

    def boxes(self) -> Boxes:
        """Return what there is now."""
        rows, count = self._people.rows, len(self._closed)
        sizes = sums_by_place(self._box, self._counts, count)
        lost = tuple(
            Fraction(int((self._whole_penalties(column, count) * sizes).sum()), axis.domain * rows)
            for column, axis in enumerate(self._axes)
        )
        loss = sum(lost, Fraction(0)) / len(lost)
        return Boxes(axes=self._axes, box=self._box, sizes=sizes, loss=loss, lost=lost)

    def fits(self, items: Whole, part: Whole, parts: int) -> Flags:
        """Return which parts meet k, l and t. items: combinations; part: the part of each of them."""
        sizes = sums_by_place(part, self._counts[items], parts)
        fit: Flags = sizes >= self._targets.k
        part_of = np.full(len(self._box), -1)
        part_of[items] = part
        pairs = zip(self._people.sensitive, self._people.classes.sensitive, self._totals, strict=True)
        for column, values, totals in pairs:
            held = _values_by_part(values, part_of)
            fit &= held.diversity(parts) >= self._targets.l
            if self._targets.t < 1:
                far = distances_of(held, sizes, totals, ordered=column.ordered).above(self._targets.t)
                fit &= ~far
        return fit

    def _cut(self, ready: Whole) -> None:
        """Cut each of these boxes in two where that is allowed, or close what cannot be cut."""
        cuts = self._best_cuts(ready)
        self._closed[ready[cuts.saved <= 0]] = True
        able = np.flatnonzero(cuts.saved > 0)
        if not len(able):
            return
        items, own = self._of_boxes(ready[able])
        column, last = cuts.column[able][own], cuts.place[able][own]
        beyond: Flags = np.zeros(len(items), np.bool_)
        for number, places in enumerate(self._places):
            along = column == number
            beyond[along] = places[items[along]] > last[along]
        fit = self.fits(items, own * 2 + beyond, 2 * len(able))
        good: Flags = fit[::2] & fit[1::2]
        self._closed[ready[able[~good]], cuts.column[able[~good]]] = True
        made = len(self._closed) + np.cumsum(good) - 1
        moves = beyond & good[own]
        self._box[items[moves]] = made[own[moves]]
        self._closed = np.concatenate([self._closed, self._closed[ready[able[good]]]])

    def _of_boxes(self, boxes: Whole) -> tuple[Whole, Whole]:
        """Return the combinations in these boxes and, of each, its box's place among them."""
        place = np.full(len(self._closed), -1)
        place[boxes] = np.arange(len(boxes))
        own = place[self._box]
        items = np.flatnonzero(own >= 0)
        return items, own[items]

    def _best_cuts(self, ready: Whole) -> _Cuts:
        """Return the cut of each box that saves most; the first column and place among equals."""
        count = len(ready)
        best = _Cuts(saved=np.zeros(count), column=np.zeros(count, np.int64), place=np.zeros(count, np.int64))
        at_once = max(1, MOST_CELLS // max(axis.size for axis in self._axes))
        items, own = self._of_boxes(ready)
        for begin in range(0, count, at_once):
            block = slice(begin, min(begin + at_once, count))
            inside = (own >= block.start) & (own < block.stop) if count > at_once else slice(None)
            self._improve(best, ready, block, items[inside], own[inside] - begin)
        return best

    def _improve(self, best: _Cuts, ready: Whole, block: slice, items: Whole, own: Whole) -> None:
        """Write into `best` what the columns offer the boxes of one block."""
        size = block.stop - block.start
        for column, axis in enumerate(self._axes):
            if axis.size < 2:
                continue
            key = own * axis.size + self._places[column][items]
            rows = np.bincount(key, weights=self._counts[items], minlength=size * axis.size).astype(float)
            saved, place = _best_places(axis, rows.reshape(size, axis.size), self._targets.k)
            saved[self._closed[ready[block], column]] = 0
            more = np.flatnonzero(saved > best.saved[block])
            best.saved[block][more] = saved[more]
            best.column[block][more] = column
            best.place[block][more] = place[more]

    def _whole_penalties(self, column: int, boxes: int) -> Whole:
        axis, places = self._axes[column], self._places[column].astype(np.int64)
        return axis.penalties(held_places(axis, self._box, places, boxes))[2][:, 0]


def _best_places(axis: Axis, rows: Numbers, k: int) -> tuple[Numbers, Whole]:
    """Return what the best cut of each box saves along one axis and after which place it is made.

    rows: rows of each box and place. Whole numbers below 2**53 throughout but for the last division.
    """
    there = rows > 0
    left = np.cumsum(rows, axis=1)
    everyone = left[:, -1:]
    up_to, beyond, whole = axis.penalties(there)
    saved = (everyone * whole - left * up_to - (everyone - left) * beyond) / axis.domain
    saved[~there | (left < k) | (everyone - left < k)] = 0
    place = saved.argmax(axis=1)
    return saved[np.arange(len(rows)), place], place


def _values_by_part(values: ValueCounts, part_of: Whole) -> ValueCounts:
    """Return how often each value occurs in each part; combinations in no part are not counted."""
    part = part_of[values.group]
    held = part >= 0
    key, count = sum_by_key(part[held] * values.values + values.value[held], values.count[held])
    group, value = np.divmod(key, values.values)
    return ValueCounts(group=group, value=value, count=count, values=values.values)
