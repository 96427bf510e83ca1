"""The cells of a vault before format 3: a row a member, in a table of their own; and an index that is gone.

Who stood in a cell is one row of bytes since (`vault_cells`); `livinglab upgrade` brings the old rows there.
"""

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import Column, Connection, Index, MetaData, Table, inspect, select

from lakehouse.adapters.column_types import TEXT
from lakehouse.adapters.many_rows import ROWS_AT_ONCE
from lakehouse.adapters.vault_cells import pack_members
from lakehouse.adapters.vault_schema import CELL_MEMBERS, IDENTITIES, SUBJECTS
from lakehouse.adapters.vault_seals import SEALED, SealedRows

FORMER_METADATA = MetaData()
"""What a vault of format 1 or 2 has and ours has not."""
CELLS = Table(
    "cells",
    FORMER_METADATA,
    Column("release_id", TEXT, primary_key=True),
    Column("cell", TEXT, primary_key=True),
    Column("pseudonym", TEXT, primary_key=True),
    Index("cells_by_pseudonym", "pseudonym"),
    sqlite_strict=True,
)
SUBJECTS.to_metadata(FORMER_METADATA)
BY_PSEUDONYM = Index("ix_identities_pseudonym", IDENTITIES.to_metadata(FORMER_METADATA).c.pseudonym)
FORMER_SEALED = (*(table for table in SEALED if table is not CELL_MEMBERS), CELLS)


def holds_former_cells(connection: Connection) -> bool:
    """Say whether the vault has the table of a format before 3."""
    return inspect(connection).has_table(CELLS.name)


def pack_former_cells(connection: Connection, rows: SealedRows, place: str) -> int:
    """Bring the rows of the former table into `cell_members`, drop it, and return how many cells there are.

    Raises Damaged where a row is not as we wrote it: nothing of it may be sealed anew.
    """
    rows.begin_table(CELL_MEMBERS)
    packed = 0
    for release_id, cell, members in _former_cells(connection):
        rows.add(CELL_MEMBERS, [(release_id, cell, members)])
        packed += 1
    rows.end_table(CELLS, place)
    BY_PSEUDONYM.drop(connection)
    return packed


def _former_cells(connection: Connection) -> Iterator[tuple[str, str, bytes]]:
    ordered = select(CELLS).order_by(*CELLS.primary_key)
    found = connection.execute(ordered, execution_options={"yield_per": ROWS_AT_ONCE})
    for (release_id, cell), members in groupby(found, key=lambda row: (row.release_id, row.cell)):
        yield release_id, cell, pack_members({row.pseudonym for row in members})
