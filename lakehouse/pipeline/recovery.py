"""End what a killed process left open (PROTOCOLS section 3): replay the outbox, remove orphan files."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.adapters.private_folders import clear_abandoned
from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import Unavailable
from lakehouse.pipeline.committing import commit_staged, finish_intent, remove_orphans
from lakehouse.pipeline.intents import ABANDONED, OPEN, STAGED, drop_staged
from lakehouse.pipeline.log_records import publish_log
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was ended: writes signed after the fact, writes undone, orphan files removed."""

    finished: int = 0
    abandoned: int = 0
    orphans: int = 0


def recover(site: Site, *, with_spark: bool = True) -> Recovery:
    """Replay the outbox and repair the log; a write whose process lives is left alone.

    Without Spark only writes are ended whose Delta commits are all there, or none of them and none on its
    way; the others are ended by the next writer of their tables.
    """
    publish_log(site)
    clear_abandoned(site.lake.work)
    with site.registry.reading() as tx:
        intents = tx.many("intents", state=OPEN, order="created_at")
    finished = abandoned = orphans = 0
    for intent in intents:
        ended = _end_intent(site, intent, with_spark)
        finished += ended.finished
        abandoned += ended.abandoned
        orphans += ended.orphans
    _drop_ended(site)
    return Recovery(finished=finished, abandoned=abandoned, orphans=orphans)


def _drop_ended(site: Site) -> None:
    """Drop staged rows of writes that were signed and then killed: nobody reads them any more."""
    for file in sorted(site.lake.work.glob("*.parquet")):
        with site.registry.reading() as tx:
            intent = tx.one("intents", intent_id=file.stem.rpartition("-")[0])
        if intent is not None and intent["state"] != OPEN:
            file.unlink(missing_ok=True)


def recover_tables(site: Site, tables: Sequence[str]) -> None:
    """End what killed writers of these tables left open; the caller holds the tables' locks."""
    with site.registry.reading() as tx:
        intents = tx.many("intents", state=OPEN, order="created_at")
    for intent in intents:
        if {table["table"] for table in intent["tables"]} & set(tables):
            _end_intent(site, intent, with_spark=True)


def _end_intent(site: Site, intent: Row, with_spark: bool) -> Recovery:
    """End one open write; one whose process lives is left alone, what else is unavailable is raised."""
    tables = [table["table"] for table in intent["tables"]]
    with ExitStack() as held:
        try:
            held.enter_context(site.locks.hold(tables, 0.0))
        except Unavailable:
            return Recovery()
        return _end_locked(site, intent["intent_id"], with_spark)


def _end_locked(site: Site, intent_id: str, with_spark: bool) -> Recovery:
    with site.registry.reading() as tx:
        intent = tx.one("intents", intent_id=intent_id)
    if intent is None or intent["state"] != OPEN:
        return Recovery()
    committed = [
        newest_version(site.lake.folder_of(table["table"])) > table["base"] for table in intent["tables"]
    ]
    if not any(committed) and not _may_be_under_way(site, intent):
        return _abandon(site, intent)
    if not all(committed) and not with_spark:
        return Recovery()
    commit_staged(site, intent)
    if _had_nothing_to_join(site, intent):
        return _abandon(site, intent)
    finish_intent(site, intent)
    return Recovery(finished=1)


def _had_nothing_to_join(site: Site, intent: Row) -> bool:
    table = intent["tables"][0]
    at_base: bool = newest_version(site.lake.folder_of(table["table"])) == table["base"]
    return at_base and table["mode"] == COMPACT


def _may_be_under_way(site: Site, intent: Row) -> bool:
    """Say whether an engine that outlives its clients may still commit what the killed writer sent it.

    Then the replay commits too: Delta takes one commit of an intent, and one of two that join files.
    """
    sent = any(STAGED in table or table["mode"] == COMPACT for table in intent["tables"])
    return site.lake.engine.outlives_us and sent


def _abandon(site: Site, intent: Row) -> Recovery:
    drop_staged(site, intent)
    with site.registry.transaction() as tx:
        tx.change("intents", {"intent_id": intent["intent_id"]}, state=ABANDONED, payload={})
    return Recovery(abandoned=1, orphans=remove_orphans(site, intent))
