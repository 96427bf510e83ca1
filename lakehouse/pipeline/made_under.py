"""Under which contract and policy a version was made, and whether the rows it was made from still stand.

Both are in the key of a run (PROTOCOLS section 2), so that another of either makes the version anew.
"""

from collections.abc import Collection, Iterable

from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.core.lineage import parse_record
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.site import Site


def judged_write(site: Site, contract: DatasetContract) -> Row | None:
    """Return the row of the write that made what readers have of a table; a promoted draft's is the draft.

    Versions whose files were only joined hold what the write before them wrote.
    """
    release = current_release(site, contract.name) if contract.layer is Layer.GOLD else None
    with site.registry.reading() as tx:
        if contract.layer is Layer.GOLD:
            return _judged_release(tx, release) if release else None
        writes = tx.many("versions", table_name=contract.table, kind="write", order="version", newest=1)
    return writes[0] if writes else None


def earlier_rules(site: Site, contract: DatasetContract, write: Row) -> str | None:
    """Return which of "contract", "policy" and "input" is another now than when a version was written.

    "input": it was made from silver rows that other rules than today's made; the first that changed is told.
    """
    if (write["details"] or {}).get("contract") not in (None, contract.digest):
        return "contract"
    record = parse_record(write["record"].encode())
    if record.policy_digest != site.policy.digest:
        return "policy"
    return "input" if reads_outdated(site, contract.inputs(), record.inputs) else None


def reads_outdated(site: Site, tables: Iterable[str], leaves: Collection[int]) -> bool:
    """Whether a silver version among these leaves is to be made anew, or was since, with other content.

    A version after which only newer batches came is not outdated.
    """
    silver = [contract for name in tables if (contract := site.contracts.find(name)) is not None]
    with site.registry.reading() as tx:
        read = [
            (contract, row)
            for contract in silver
            if contract.layer is Layer.SILVER
            for row in tx.many("versions", table_name=contract.table, leaf_index=list(leaves))
        ]
    return any(_is_outdated(site, contract, row) for contract, row in read)


def _is_outdated(site: Site, contract: DatasetContract, row: Row) -> bool:
    write, newest = _write_behind(site, row), judged_write(site, contract)
    if newest is None or write is None or earlier_rules(site, contract, write) is None:
        return False
    same = newest["content_digest"] == row["content_digest"]
    return not same or earlier_rules(site, contract, newest) is not None


def _write_behind(site: Site, row: Row) -> Row | None:
    """Return the newest write that is no newer than a version: itself, but for one that only joined files."""
    if row["kind"] == "write":
        return row
    with site.registry.reading() as tx:
        writes = tx.many("versions", table_name=row["table_name"], kind="write", order="version")
    return next((own for own in reversed(writes) if own["version"] <= row["version"]), None)


def _judged_release(tx: Transaction, release: Row) -> Row | None:
    row = tx.one("versions", leaf_index=release["leaf_index"])
    draft = (row["details"] or {}).get("promoted_from") if row else None
    if row is None or draft is None:
        return row
    judged = tx.one("versions", leaf_index=draft)
    return judged and {**judged, "version": row["version"]}
