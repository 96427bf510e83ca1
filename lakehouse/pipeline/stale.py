"""What changed contracts and consents have left behind, and making it anew.

Silver and gold only: bronze is as received, and what its contract set aside `quarantine --retry` reads again.
Run keys decide: whatever the new contract does not change is returned as it stands, never doubled.
"""

from dataclasses import dataclass

from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.core.lineage import parse_record
from lakehouse.core.release import ReleaseResult
from lakehouse.pipeline.lapsed_consents import withdrawn_since
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.retry import count_waiting
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleVersion:
    """The version that readers have of a table, made under other rules or consents than there are now.

    because: "contract", "policy" or "consent", the first of them that changed; consent: it counts people who
    no longer permit its purpose.
    """

    table: str
    version: int
    because: str = "contract"

    def as_json(self) -> dict[str, object]:
        """Return the entry of `status`."""
        return {"table": self.table, "version": self.version, "because": self.because}


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What was stale, and what came of it: silver versions and releases, those that stood marked repeated."""

    stale: tuple[StaleVersion, ...]
    silver: tuple[TableResult, ...]
    releases: tuple[ReleaseResult, ...]

    def as_json(self) -> dict[str, object]:
        """Return the fields of `refine --stale`."""
        return {
            "stale": [own.as_json() for own in self.stale],
            "silver": [own.as_json() for own in self.silver],
            "releases": [own.as_json() for own in self.releases],
        }


def stale_versions(site: Site) -> list[StaleVersion]:
    """Return the silver versions and releases of an earlier contract or policy, and releases of people who
    have withdrawn; reads no table but the consents.

    All three are in the key of a run (PROTOCOLS section 2).
    """
    found = []
    for layer in (Layer.SILVER, Layer.GOLD):
        for contract in site.contracts.of_layer(layer):
            row = _judged_write(site, contract)
            because = None if row is None else _what_changed(site, contract, row)
            if row is not None and because:
                found.append(StaleVersion(table=contract.table, version=row["version"], because=because))
    return found


def _what_changed(site: Site, contract: DatasetContract, row: Row) -> str | None:
    if (row["details"] or {}).get("contract") not in (None, contract.digest):
        return "contract"
    if parse_record(row["record"].encode()).policy_digest != site.policy.digest:
        return "policy"
    release = current_release(site, contract.name) if contract.layer is Layer.GOLD else None
    return "consent" if release is not None and withdrawn_since(site, contract, release) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRetry:
    """A data set whose contract changed since it last landed: how many input rows a retry would try."""

    dataset: str
    rows: int


def waiting_retries(site: Site) -> list[WaitingRetry]:
    """Return the data sets of which `quarantine --retry` may take in what an earlier contract set aside."""
    waiting = []
    for contract in site.contracts.of_layer(Layer.BRONZE):
        row = _judged_write(site, contract)
        if row is not None and (row["details"] or {}).get("contract") not in (None, contract.digest):
            rows = count_waiting(site, contract)
            waiting += [WaitingRetry(dataset=contract.name, rows=rows)] if rows else []
    return waiting


def refine_stale(site: Site) -> Renewal:
    """Refine what is stale, then publish what is stale or reads what was refined; done again, a no-op.

    Raises what `refine` and `publish` raise; what was made until then stands, and the next call goes on.
    """
    site.actor.require("refine")
    site.actor.require("publish")
    stale = stale_versions(site)
    tables = {own.table for own in stale}
    sources = {
        str(contract.source).partition(".")[2]: None
        for contract in site.contracts.of_layer(Layer.SILVER)
        if contract.table in tables and str(contract.source).startswith(f"{Layer.BRONZE}.")
    }
    silver = {own.table: own for dataset in sources for own in refine(site, dataset)}
    products = [
        contract.name
        for contract in site.contracts.of_layer(Layer.GOLD)
        if current_release(site, contract.name) is not None
        and (contract.table in tables or set(contract.reads) & silver.keys())
    ]
    return Renewal(
        stale=tuple(stale),
        silver=tuple(silver.values()),
        releases=tuple(publish(site, product) for product in products),
    )


def _judged_write(site: Site, contract: DatasetContract) -> Row | None:
    """Return the row of the write that made what readers have of a table; a promoted draft's is the draft.

    Versions whose files were only joined hold what the write before them wrote.
    """
    release = current_release(site, contract.name) if contract.layer is Layer.GOLD else None
    with site.registry.reading() as tx:
        if contract.layer is Layer.GOLD:
            return _judged_release(tx, release) if release else None
        writes = tx.many("versions", table_name=contract.table, kind="write", order="version", newest=1)
    return writes[0] if writes else None


def _judged_release(tx: Transaction, release: Row) -> Row | None:
    row = tx.one("versions", leaf_index=release["leaf_index"])
    draft = (row["details"] or {}).get("promoted_from") if row else None
    if row is None or draft is None:
        return row
    judged = tx.one("versions", leaf_index=draft)
    return judged and {**judged, "version": row["version"]}
