"""What the rows of a file say together: times that grow, values that look like their unit.

Rows may come a part at a time; what is carried from part to part is a few numbers a column.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure

LEAST_VALUES = 20
"""Fewer say nothing about a unit: one heavy person is no change from kilograms to pounds."""


class GrowingValues:
    """The `increasing` column of a file, part after part: the highest value so far."""

    def __init__(self, contract: DatasetContract) -> None:
        self._name = contract.increasing
        self._highest = -np.inf

    def late_rows(self, columns: Mapping[str, pa.Array], failed: Collection[int] = ()) -> dict[int, Failure]:
        """Return the rows whose value is not above all before it; failed rows do not count."""
        if self._name is None or self._name not in columns:
            return {}
        values = _as_floats(columns[self._name])
        values[np.fromiter(failed, dtype=np.int64, count=len(failed))] = np.nan
        highest = np.fmax.accumulate(np.concatenate([[self._highest], values]))
        self._highest = float(highest[-1])
        late = np.flatnonzero(values <= highest[:-1])
        return {int(index): Failure(reason="not_in_order", column=self._name) for index in late}


def out_of_order(
    columns: Mapping[str, pa.Array], contract: DatasetContract, failed: Collection[int] = ()
) -> dict[int, Failure]:
    """Return the late rows of a file that is in memory."""
    return GrowingValues(contract).late_rows(columns, failed)


class UsualMedians:
    """Whether the medians of a file's columns lie where they are usual; rows come part after part."""

    def __init__(self, contract: DatasetContract) -> None:
        self._ranges = {
            column.name: (_HalfBelow(column.usual_median[0]), _HalfBelow(-column.usual_median[1]))
            for column in contract.columns
            if column.usual_median is not None
        }

    def take(self, columns: Mapping[str, pa.Array]) -> None:
        """Count the values of a part."""
        for name, (low, high) in self._ranges.items():
            if name in columns:
                values = columns[name].drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
                low.take(values)
                high.take(-values)

    def unusual(self) -> str | None:
        """Return the first column, in the contract's order, whose median is not usual, or None."""
        for name, (low, high) in self._ranges.items():
            if low.count >= LEAST_VALUES and (low.median_is_below() or high.median_is_below()):
                return name
        return None


def changed_unit(columns: Mapping[str, pa.Array], contract: DatasetContract) -> str | None:
    """Return the first column of a file in memory whose median lies outside what is usual, or None."""
    medians = UsualMedians(contract)
    medians.take(columns)
    return medians.unusual()


class _HalfBelow:
    """Whether the median of values lies below a limit: counts, and the two values next to the limit."""

    def __init__(self, limit: float) -> None:
        self.count = 0
        self._limit = limit
        self._below = 0
        self._last_below = -np.inf
        self._first_above = np.inf

    def take(self, values: "np.ndarray") -> None:
        is_below = values < self._limit
        self.count += len(values)
        self._below += int(is_below.sum())
        self._last_below = max(self._last_below, np.max(values[is_below], initial=-np.inf))
        self._first_above = min(self._first_above, np.min(values[~is_below], initial=np.inf))

    def median_is_below(self) -> bool:
        """Of an even count the median is the mean of the two in the middle, which may stand on both sides."""
        if 2 * self._below != self.count:
            return 2 * self._below > self.count
        return bool((self._last_below + self._first_above) / 2 < self._limit)


def _as_floats(values: pa.Array) -> "np.ndarray":
    whole = values if pa.types.is_floating(values.type) else pc.cast(values, pa.int64(), safe=False)
    return np.array(
        pc.fill_null(pc.cast(whole, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
    )
