"""One quasi-identifier as an axis of ordered places, along which boxes of people are cut (NumPy).

Penalties are those of `core.hierarchies` for joined values, as whole numbers over `domain`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lakehouse.adapters.class_counts import Column, Flags, Whole
from lakehouse.adapters.quasi_codes import QuasiCodes
from lakehouse.core.groups import Value
from lakehouse.core.hierarchies import Bands

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The finest labels of a column in their order.

    rank: code -> place; values: place -> a value; starts: place -> where its band begins, None for
    categories; width: of a band; domain: what a penalty of 1 covers.
    """

    quasi: QuasiCodes
    rank: Whole
    values: tuple[Value, ...]
    starts: Whole | None
    width: int
    domain: int

    @property
    def size(self) -> int:
        """How many places there are."""
        return len(self.values)

    def places(self, codes: Column) -> Column:
        """Return the places of codes, in as few bytes as hold them."""
        return self.rank.astype(np.min_scalar_type(self.size))[codes]

    def penalties(self, there: Flags) -> tuple[Whole, Whole, Whole]:
        """Return what joined values cost, a row of `there` a box: up to each place, beyond it, all.

        there: which places a box holds, at least one; of places that it does not hold nothing is said.
        """
        if self.starts is None:
            up_to = np.cumsum(there, axis=1, dtype=np.int64)
            whole = up_to[:, -1:]
            return self._counted(up_to), self._counted(whole - up_to), self._counted(whole)
        first, last = first_place(there), last_place(there)
        low, high = self.starts[first], self.starts[last]
        following = self.starts[_next_place(there)]
        return (
            self._spanned(self.starts[None, :] - low[:, None]),
            self._spanned(high[:, None] - following),
            self._spanned((high - low)[:, None]),
        )

    def label(self, there: Flags) -> str:
        """Return the label of a box that holds these places."""
        held = [value for value, holds in zip(self.values, there, strict=True) if holds]
        return self.quasi.hierarchy.joined(held)

    def _counted(self, distinct: Whole) -> Whole:
        return np.where(distinct > 1, np.minimum(distinct, self.domain), 0)

    def _spanned(self, between: Whole) -> Whole:
        return np.minimum(between + self.width, self.domain)


def axis_of(quasi: QuasiCodes) -> Axis:
    """Return the axis of a column: bands by where they begin, categories as the contract lists them."""
    hierarchy = quasi.hierarchy
    order = sorted(range(quasi.size), key=lambda code: hierarchy.order(quasi.values[code]))
    rank = np.empty(quasi.size, np.int64)
    rank[order] = np.arange(quasi.size)
    values = tuple(quasi.values[code] for code in order)
    if not isinstance(hierarchy, Bands):
        return Axis(quasi=quasi, rank=rank, values=values, starts=None, width=1, domain=len(hierarchy.values))
    domain = hierarchy.domain[1] - hierarchy.domain[0]
    return Axis(
        quasi=quasi,
        rank=rank,
        values=values,
        starts=_starts(hierarchy, values, domain),
        width=hierarchy.widths[0],
        domain=domain,
    )


def _starts(hierarchy: Bands, values: tuple[Value, ...], domain: int) -> Whole:
    """Return where bands begin; null lies so far out that whatever it is joined with costs 1."""
    begun = [hierarchy.order(value)[1] for value in values]
    known = [start for start, value in zip(begun, values, strict=True) if value is not None]
    far = max(known, default=0) + domain
    return np.array([far if value is None else start for start, value in zip(begun, values, strict=True)])


def first_place(there: Flags) -> Whole:
    """Return the first place that each box holds."""
    return np.asarray(there.argmax(axis=1), np.int64)


def last_place(there: Flags) -> Whole:
    """Return the last place that each box holds."""
    return np.asarray(there.shape[1] - 1 - there[:, ::-1].argmax(axis=1), np.int64)


def _next_place(there: Flags) -> Whole:
    """Return, a box and place, the next place that the box holds; the last one where there is none."""
    size = there.shape[1]
    held = np.where(there, np.arange(size), size - 1)
    coming = np.minimum.accumulate(held[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([coming[:, 1:], np.full((len(there), 1), size - 1)], axis=1)
