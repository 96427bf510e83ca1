"""The second half of a write: Delta commits, leaves, tidying up; by its writer or by the replay."""

from collections.abc import Sequence

from lakehouse.adapters.delta_log import LOG, newest_version, table_files
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.lineage import Version
from lakehouse.pipeline.intents import drop_staged, staged_file
from lakehouse.pipeline.signing import Content, sign_intent
from lakehouse.pipeline.site import Site


def commit_staged(site: Site, intent: Row) -> None:
    """Commit each staged table that Delta does not hold yet."""
    for number, table in enumerate(intent["tables"]):
        if newest_version(site.lake.folder_of(table["table"])) > table["base"]:
            continue
        site.locks.require_held()
        if table["mode"] == COMPACT:
            site.lake.compact(table["table"])
            continue
        staged = staged_file(site, intent, number)
        site.lake.commit(table["table"], staged, mode=table["mode"], intent=intent["intent_id"])


def finish_intent(site: Site, intent: Row, contents: Sequence[Content] | None = None) -> list[Version]:
    """Sign what the intent committed, end it and drop its staged rows.

    `contents` of the written tables where the caller has them; after a crash the staged rows are read.
    """
    versions = sign_intent(site, intent, contents)
    remove_orphans(site, intent)
    drop_staged(site, intent)
    return versions


def remove_orphans(site: Site, intent: Row) -> int:
    """Remove files that no signed version of the intent's tables names, and count them.

    Killed commits leave them, and Spark where it writes no row. The tables' locks must be held.
    """
    removed = 0
    for table in {table["table"] for table in intent["tables"]}:
        folder = site.lake.folder_of(table)
        with site.registry.reading() as tx:
            versions = tx.many("versions", table_name=table)
        named = {path for version in versions for path, _ in version["manifest"]}
        for path in sorted(table_files(folder) - named):
            if not (path.startswith(f"{LOG}/") and path.endswith(".json")):
                folder.joinpath(path).unlink()
                removed += 1
    return removed
