"""A copy of a store as one transaction left it, in a store of either kind: MACs and seals hold there too.

So a home moves from files to PostgreSQL and back, and a backup of a schema is an SQLite file.
"""

from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from lakehouse.errors import NotReady
from lakehouse.ports import Store

ROWS_AT_ONCE = 100
"""A shard of the leaves of a million people has 400 kB."""


def copy_rows(source: Store, target: Store, metadata: MetaData) -> int:
    """Copy every row of our tables into an empty store, in one transaction each, and count them.

    Raises NotReady where the target holds rows, Unavailable and Damaged as the stores do.
    """
    with source.reading() as given, target.creating() as taken:
        metadata.create_all(taken)
        for table in metadata.sorted_tables:
            if taken.execute(select(table).limit(1)).first() is not None:
                raise NotReady(
                    f"{target.place} holds rows in {table.name}", remedy="name an empty file or schema"
                )
        return sum(_copy_table(given, taken, table) for table in metadata.sorted_tables)


def _copy_table(given: Connection, taken: Connection, table: Table) -> int:
    copied = 0
    rows = given.execute(select(table), execution_options={"yield_per": ROWS_AT_ONCE})
    for part in rows.mappings().partitions():
        taken.execute(insert(table), [dict(row) for row in part])
        copied += len(part)
    _count_on(taken, table)
    return copied


def _count_on(taken: Connection, table: Table) -> None:
    """Let PostgreSQL number the next row after the last one copied; SQLite does by itself."""
    counted = table.autoincrement_column
    if counted is None or taken.dialect.name != "postgresql":
        return
    last = taken.scalar(select(func.max(counted)))
    if last is not None:
        name = {"name": f"{table.name}_{counted.name}_seq", "last": last}
        taken.execute(text("SELECT setval(CAST(:name AS regclass), :last)"), name)
