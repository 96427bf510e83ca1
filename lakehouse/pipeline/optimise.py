"""optimise: join a table's small files under intent, lock and leaf; what it holds stays what it was.

The new version has the content digest of the one before, checked on its rows before the leaf is made, so
receipts of people and statements of releases hold for both. Old files stay until retention takes them.
"""

from dataclasses import dataclass

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.core.lineage import Version
from lakehouse.errors import Damaged
from lakehouse.pipeline.committing import commit_staged, finish_intent, remove_orphans
from lakehouse.pipeline.intents import ABANDONED
from lakehouse.pipeline.log_records import require_current_home
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import (
    consent_root_of,
    require_version,
    version_details,
    version_statements,
)
from lakehouse.pipeline.writing import open_intent, table_locks

VERB = "optimise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """The version after it; `repeated` where there was nothing to join and no version was made."""

    version: Version
    repeated: bool

    def as_json(self) -> dict[str, object]:
        """Return the fields of `optimise`."""
        own = self.version
        return {
            "table": own.table,
            "version": own.version,
            "rows": own.rows,
            "leaf": own.leaf,
            "file_digest": own.file_digest,
            "content_digest": own.content_digest,
            "repeated": self.repeated,
        }


def optimise(site: Site, table: str) -> Optimised:
    """Join the files of a table's newest version.

    Raises NotAllowed (role engineer), NotReady (no version yet), Damaged (Delta holds a version without a
    leaf, or the joined rows are others: then nothing is signed).
    """
    site.actor.require(VERB)
    with table_locks(site, [table]):
        before = require_version(site, table)
        folder = site.lake.folder_of(table)
        if newest_version(folder) != before.version:
            raise Damaged(f"{table} holds a Delta version without a leaf", remedy="livinglab fsck")
        run_key = f"{VERB}/{table}/{before.version}"
        require_current_home(site)
        intent = open_intent(site, VERB, run_key, [_table_entry(site, before)], _payload(site, before))
        commit_staged(site, intent)
        if newest_version(folder) == before.version:
            with site.registry.transaction() as tx:
                tx.change("intents", {"intent_id": intent["intent_id"]}, state=ABANDONED, payload={})
            remove_orphans(site, intent)
            return Optimised(version=before, repeated=True)
        return Optimised(version=finish_intent(site, intent)[0], repeated=False)


def _table_entry(site: Site, before: Version) -> dict[str, object]:
    details = {**version_details(site, before), "optimised": before.version}
    return {
        "table": before.table,
        "base": before.version,
        "mode": COMPACT,
        "by_subject": False,
        "kind": VERB,
        "details": details,
        "statements": version_statements(site, before),
    }


def _payload(site: Site, before: Version) -> dict[str, object]:
    return {"inputs": [before.leaf], "consent_root": consent_root_of(site, before), "rows": {}}
