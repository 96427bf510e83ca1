"""FHIR resources that a retry would take in and that their file has already, in bronze or among those tried.

Within a file, type and id name one resource; the reader sees that of what it reads at once, a retry reads
person by person. The ids are sealed in bronze and opened in memory.
"""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import SEALED, Column, DatasetContract
from lakehouse.methods.unseal import open_column

NAMED_BY = ("resource_type", "resource_id")


def standing_resources(
    contract: DatasetContract, rows: pa.Table, there: pa.Table, keys: Mapping[str, bytes]
) -> set[int]:
    """Return the indexes of rows whose (file, type, id) an earlier row or one of `there` has.

    keys: pseudonym -> `seal` key of the people of both tables.
    """
    columns = named_columns(contract)
    if not columns or not len(rows):
        return set()
    standing = there.filter(pc.is_in(there.column("file"), rows.column("file").unique()))
    seen = set(_names(contract, standing, columns, keys))
    found = list(_names(contract, rows, columns, keys))
    numbers = rows.column("row").to_pylist()
    dropped = set()
    for index in sorted(range(len(rows)), key=numbers.__getitem__):
        if found[index] in seen:
            dropped.add(index)
        elif found[index][-1] is not None:
            seen.add(found[index])
    return dropped


def named_columns(contract: DatasetContract) -> tuple[Column, ...]:
    """Return the columns of type and id of FHIR resources; none for other formats."""
    if contract.format != "fhir_bundle":
        return ()
    found = {column.source: column for column in contract.columns if column.source in NAMED_BY}
    return tuple(found[name] for name in NAMED_BY) if len(found) == len(NAMED_BY) else ()


def _names(
    contract: DatasetContract, rows: pa.Table, columns: tuple[Column, ...], keys: Mapping[str, bytes]
) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield file, type and id of each row."""
    values = [
        open_column(rows, column.name, keys, table=contract.table, by_row=column.sealed_by_row).to_pylist()
        if column.stored_name.endswith(SEALED)
        else rows.column(column.name).to_pylist()
        for column in columns
    ]
    yield from zip(rows.column("file").to_pylist(), *values, strict=True)
