"""Whether a header is still the one that the contract was written for (contract key `drift`)."""

from collections.abc import Sequence

from lakehouse.core.contract import ColumnDrift, DatasetContract
from lakehouse.readers.casting import Failure


def column_drift(header: Sequence[str], contract: DatasetContract) -> Failure | None:
    """Return why a file with this header is set aside, or None; order does not matter, names are exact.

    `column_repeated` always: which of the two is meant? `column_gone` (also one renamed, a header or a
    delimiter that changed) unless `drift.gone = "null"`, and always where it says whose row it is.
    `column_added` where `drift.added = "set_aside"`.
    """
    for column in contract.columns:
        if header.count(column.source) > 1:
            return Failure(reason="column_repeated", column=column.name)
    whose = contract.subject and (contract.subject.column, contract.subject.system_column)
    for column in contract.columns:
        needed = contract.drift.gone is ColumnDrift.SET_ASIDE or column.name in (whose or ())
        if needed and column.source not in header:
            return Failure(reason="column_gone", column=column.name)
    declared = {column.source for column in contract.columns}
    if contract.drift.added is ColumnDrift.SET_ASIDE and any(name not in declared for name in header if name):
        return Failure(reason="column_added", column="")
    return None
