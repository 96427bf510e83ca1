"""Take the value of the column that another column names.

`{ method = "pick", by = "walk", columns = { "01" = "speed_01_m_s", "10" = "speed_10_m_s" } }`: the
speed of walk 01 stands in `speed_01_m_s`. What the table does not name is null.
"""

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.core.contract import Column
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return (n) values in the column's type; `values` is the column named by `by`."""
    given = Parameters(column)
    columns = given.mapping("columns")
    for name in columns.values():
        if name not in context.rows.column_names:
            raise given.error("columns", f"{name} is not a column of the input")
    chosen = {label: context.rows.column(name).to_pylist() for label, name in columns.items()}
    picked = [
        chosen[str(label)][row] if str(label) in chosen else None
        for row, label in enumerate(values.to_pylist())
    ]
    return Applied(values=pa.array(picked, ARROW_TYPES[column.type], from_pandas=True))
