"""End what a killed process left open (PROTOCOLS section 3): replay the outbox, remove orphan files."""

from dataclasses import dataclass

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import Unavailable
from lakehouse.pipeline.intents import ABANDONED, OPEN, drop_staged
from lakehouse.pipeline.log_records import publish_log
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import commit_staged, finish_intent, remove_orphans, table_locks


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was ended: writes signed after the fact, writes undone, orphan files removed."""

    finished: int = 0
    abandoned: int = 0
    orphans: int = 0


def recover(site: Site, *, with_spark: bool = True) -> Recovery:
    """Replay the outbox and repair the log; a write whose process lives is left alone.

    Without Spark only writes are ended whose Delta commits are all there, or none of them.
    """
    publish_log(site)
    with site.registry.reading() as tx:
        intents = tx.many("intents", state=OPEN, order="created_at")
    finished = abandoned = orphans = 0
    for intent in intents:
        ended = _end_intent(site, intent, with_spark)
        finished += ended.finished
        abandoned += ended.abandoned
        orphans += ended.orphans
    return Recovery(finished=finished, abandoned=abandoned, orphans=orphans)


def _end_intent(site: Site, intent: Row, with_spark: bool) -> Recovery:
    tables = [table["table"] for table in intent["tables"]]
    try:
        with table_locks(site, tables, wait=0.0):
            return _end_locked(site, intent["intent_id"], with_spark)
    except Unavailable:
        return Recovery()


def _end_locked(site: Site, intent_id: str, with_spark: bool) -> Recovery:
    with site.registry.reading() as tx:
        intent = tx.one("intents", intent_id=intent_id)
    if intent is None or intent["state"] != OPEN:
        return Recovery()
    committed = [
        newest_version(site.lake.folder_of(table["table"])) > table["base"] for table in intent["tables"]
    ]
    if not any(committed):
        return _abandon(site, intent)
    if not all(committed) and not with_spark:
        return Recovery()
    commit_staged(site, intent)
    finish_intent(site, intent)
    return Recovery(finished=1)


def _abandon(site: Site, intent: Row) -> Recovery:
    drop_staged(site, intent)
    with site.registry.transaction() as tx:
        tx.change("intents", {"intent_id": intent["intent_id"]}, state=ABANDONED, payload={})
    return Recovery(abandoned=1, orphans=remove_orphans(site, intent))
