"""Bring values of mixed units to one unit by the range in which they fall.

`units = [{unit = "m", minimum = 1.0, maximum = 2.3, factor = 1.0}, {unit = "cm", minimum = 100, ...}]`:
1.74 and 174 are the same height. The ranges must not overlap; a value in none is `out_of_range`.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse.core.contract import Column, ColumnType
from lakehouse.methods.conforming import cast_values
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return float64 (n) in the column's unit; values: numbers in any of the units."""
    del context
    units = _ordered_units(Parameters(column))
    numbers, unreadable = cast_values(values, ColumnType.NUMBER)
    raw = numbers.to_numpy(zero_copy_only=False)
    result = np.full(len(raw), np.nan)
    for unit in units:
        inside = (raw >= float(unit["minimum"])) & (raw <= float(unit["maximum"]))
        result[inside] = raw[inside] * float(unit["factor"])
    stray = np.flatnonzero(~np.isnan(raw) & np.isnan(result))
    rejected = dict.fromkeys(unreadable, "not_a_number") | {int(row): "out_of_range" for row in stray}
    return Applied(values=pa.array(result, from_pandas=True), rejected=rejected)


def _ordered_units(given: Parameters) -> list[dict[str, Any]]:
    units = given.get("units")
    needed = {"minimum", "maximum", "factor"}
    if not isinstance(units, list) or not units or any(not needed <= set(unit) for unit in units):
        raise given.error("units", "must be a list of {unit, minimum, maximum, factor}")
    ordered = sorted(units, key=lambda unit: float(unit["minimum"]))
    if any(float(low["maximum"]) >= float(high["minimum"]) for low, high in pairwise(ordered)):
        raise given.error("units", "has ranges that overlap, so that a value could be of two units")
    return ordered
