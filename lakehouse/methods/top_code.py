"""Cap values that few people reach: `{ method = "top_code", top = 90 }` makes 97 into 90."""

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import Column, ColumnType
from lakehouse.methods.conforming import cast_values
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return int64 or float64 (n), none above `top`; nulls stay null."""
    del context
    kind = ColumnType.INTEGER if column.type is ColumnType.INTEGER else ColumnType.NUMBER
    numbers, unreadable = cast_values(values, kind)
    capped = pc.min_element_wise(numbers, pa.scalar(Parameters(column).whole("top"), numbers.type))
    return Applied(
        values=pc.if_else(pc.is_valid(numbers), capped, pa.scalar(None, numbers.type)),
        rejected=dict.fromkeys(unreadable, "not_a_number"),
    )
