"""The outbox: what a write means to do, with its rows staged until they are signed (PROTOCOLS section 3)."""

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.adapters.arrow_types import plain_types
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import Damaged
from lakehouse.pipeline.site import Site

OPEN, DONE, ABANDONED = "open", "done", "abandoned"


def staged_name(intent_id: str, number: int) -> str:
    """Return the name of the staged rows of an intent's table, counted from 0."""
    return f"{intent_id}-{number}"


def staged_rows(site: Site, intent: Row) -> list[pa.Table]:
    """Return the rows that an intent staged, a table each, none for one that compacts; Damaged if gone."""
    if any(table["mode"] == COMPACT for table in intent["tables"]):
        return [pa.table({}) for _ in intent["tables"]]
    paths = [site.lake.staged(staged_name(intent["intent_id"], n)) for n in range(len(intent["tables"]))]
    if not all(path.is_file() for path in paths):
        raise Damaged("the rows of an unfinished write are gone", remedy="livinglab fsck")
    return [plain_types(pq.read_table(path, memory_map=True)) for path in paths]


def drop_staged(site: Site, intent: Row) -> None:
    """Remove an intent's staged rows, as far as they are there."""
    for number in range(len(intent["tables"])):
        site.lake.staged(staged_name(intent["intent_id"], number)).unlink(missing_ok=True)
