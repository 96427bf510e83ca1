"""The outbox: what a write means to do, with its rows staged until they are signed (PROTOCOLS section 3)."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.adapters.arrow_types import plain_types
from lakehouse.adapters.delta_log import file_sha256
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.adapters.spooled_rows import PORTION_ROWS, SpooledRows
from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import Damaged
from lakehouse.pipeline.site import Site

OPEN, DONE, ABANDONED = "open", "done", "abandoned"
STAGED = "staged"


def staged_name(intent_id: str, number: int) -> str:
    """Return the name of the staged rows of an intent's table, counted from 0."""
    return f"{intent_id}-{number}"


def staged_rows(site: Site, intent: Row) -> list[pa.Table | SpooledRows]:
    """Return the rows that an intent staged, by table, none for one that compacts; Damaged if lost."""
    if any(table["mode"] == COMPACT for table in intent["tables"]):
        return [pa.table({}) for _ in intent["tables"]]
    paths = [staged_file(site, intent, number) for number in range(len(intent["tables"]))]
    return [_read_staged(path) for path in paths]


def _read_staged(path: Path) -> pa.Table | SpooledRows:
    spooled = SpooledRows(path=path)
    return spooled if len(spooled) > PORTION_ROWS else plain_types(pq.read_table(path, memory_map=True))


def seal_staged(site: Site, intent: Row) -> Row:
    """Keep the SHA-256 of each staged file in the outbox; a replay takes no other bytes."""
    files = [site.lake.staged(staged_name(intent["intent_id"], n)) for n in range(len(intent["tables"]))]
    pairs = zip(intent["tables"], files, strict=True)
    tables = [{**table, STAGED: file_sha256(file)} for table, file in pairs]
    with site.registry.transaction() as tx:
        tx.change("intents", {"intent_id": intent["intent_id"]}, tables=tables)
    return {**intent, "tables": tables}


def staged_file(site: Site, intent: Row, number: int) -> Path:
    """Return the staged file of an intent's table; Damaged where it is gone or was changed."""
    file = site.lake.staged(staged_name(intent["intent_id"], number))
    problem = staged_problem(intent["tables"][number], file)
    if problem:
        raise Damaged(
            f"{problem}: rows of an unfinished write",
            remedy="livinglab fsck; restore the home from a backup",
            place=f"work/{file.name}",
        )
    return file


def staged_problem(table: Mapping[str, object], file: Path) -> str | None:
    """Say what is wrong with the staged file of one table of an intent, None where it is as it was sealed."""
    if not file.is_file():
        return "staged file is missing"
    return None if file_sha256(file) == table.get(STAGED) else "staged file was changed"


def drop_staged(site: Site, intent: Row) -> None:
    """Remove an intent's staged rows, as far as they are there."""
    for number in range(len(intent["tables"])):
        site.lake.staged(staged_name(intent["intent_id"], number)).unlink(missing_ok=True)
