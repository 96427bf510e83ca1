"""Give the value that follows from another column where a source leaves it out.

`{ method = "fill_where", column = "group", equals = ["2"], value = 0 }`: a control has Hoehn-Yahr
stage 0 by definition, whether the source wrote 0 or nothing. A value that is there stays.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.core.contract import Column, ColumnType
from lakehouse.methods.conforming import cast_values
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return the values (n) in the column's type, with nulls filled where the condition holds."""
    given = Parameters(column)
    named = given.text("column")
    if named not in context.rows.column_names:
        raise given.error("column", "is not a column of the input")
    typed, unreadable = cast_values(values, column.type)
    words, _ = cast_values(context.rows.column(named).combine_chunks(), ColumnType.TEXT)
    applies = pc.and_(pc.is_null(typed), pc.is_in(words, pa.array(given.texts("equals"), pa.string())))
    filled = pc.if_else(applies, pa.scalar(given.get("value"), ARROW_TYPES[column.type]), typed)
    return Applied(values=filled, rejected=dict.fromkeys(unreadable, "not_a_number"))
