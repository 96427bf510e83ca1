"""Whole numbers as bands with labels like `60-79`, the last one open: `80+`.

`{ method = "age_band", width = 20, top = 80 }`; with `date`, the values are dates of birth.
"""

from dataclasses import replace

import pyarrow as pa

from lakehouse.core.contract import Column, ColumnType, Handling
from lakehouse.core.hierarchies import Bands
from lakehouse.methods import age_at
from lakehouse.methods.conforming import cast_values
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters

OLDEST = 130


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return text (n), the band of each value; a value outside 0 to 130 is `out_of_range`."""
    given = Parameters(column)
    top = given.whole("top")
    bands = Bands(widths=(given.whole("width"),), domain=(0, OLDEST), top=top)
    if given.get("date") is not None:
        born = Handling(method="age_at", parameters={"date": given.day("date")})
        aged = age_at.apply(values, replace(column, handling=born), context)
        numbers, rejected = aged.values, dict(aged.rejected)
    else:
        numbers, unreadable = cast_values(values, ColumnType.INTEGER)
        rejected = dict.fromkeys(unreadable, "not_a_number")
    labels: list[str | None] = []
    for row, number in enumerate(numbers.to_pylist()):
        inside = number is not None and 0 <= number <= OLDEST
        labels.append(bands.label(number, 0) if inside else None)
        if number is not None and not inside:
            rejected[row] = "out_of_range"
    return Applied(values=pa.array(labels, pa.string()), rejected=rejected)
