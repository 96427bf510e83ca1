"""What the rows of a file say together: times that grow, values that look like their unit."""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import Failure

LEAST_VALUES = 20
"""Fewer say nothing about a unit: one heavy person is no change from kilograms to pounds."""


def out_of_order(
    columns: Mapping[str, pa.Array], contract: DatasetContract, failed: Collection[int] = ()
) -> dict[int, Failure]:
    """Return the rows whose `increasing` value is not above all before it; failed rows do not count."""
    name = contract.increasing
    if name is None or name not in columns:
        return {}
    values = _as_floats(columns[name])
    values[np.fromiter(failed, dtype=np.int64, count=len(failed))] = np.nan
    highest = np.fmax.accumulate(np.concatenate([[-np.inf], values]))[:-1]
    late = np.flatnonzero(values <= highest)
    return {int(index): Failure(reason="not_in_order", column=name) for index in late}


def changed_unit(columns: Mapping[str, pa.Array], contract: DatasetContract) -> str | None:
    """Return the first column whose median lies outside what is usual in its unit, or None."""
    for column in contract.columns:
        if column.usual_median is None or column.name not in columns:
            continue
        values = columns[column.name].drop_null()
        if len(values) >= LEAST_VALUES:
            low, high = column.usual_median
            if not low <= float(np.median(values.to_numpy(zero_copy_only=False))) <= high:
                return column.name
    return None


def _as_floats(values: pa.Array) -> "np.ndarray":
    whole = values if pa.types.is_floating(values.type) else pc.cast(values, pa.int64(), safe=False)
    return np.array(
        pc.fill_null(pc.cast(whole, pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)
    )
