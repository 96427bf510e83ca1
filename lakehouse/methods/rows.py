"""The plain transform: one row in, one row out."""

import pyarrow as pa

from lakehouse.core.contract import DatasetContract
from lakehouse.methods.context import MethodContext, Transformed


def transform(rows: pa.Table, contract: DatasetContract, context: MethodContext) -> Transformed:
    """Return the rows as they are."""
    del contract, context
    return Transformed(rows=rows)
