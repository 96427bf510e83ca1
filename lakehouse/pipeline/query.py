"""query: one SELECT over published gold, read-only. Analysts read nothing else."""

from dataclasses import dataclass

import pyarrow as pa

from lakehouse.adapters.duckdb_reader import run_select
from lakehouse.adapters.query_guard import read_tables
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.core.release import ReleaseState
from lakehouse.errors import Damaged, NotReady, Refused, WrongUse
from lakehouse.pipeline.cosign import require_cosigned
from lakehouse.pipeline.publish_records import current_release, list_releases, written_releases
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The rows of a query, the releases it read and what proves them (`livinglab prove RECEIPT`).

    releases, receipts: one a table read, in order of mention; receipts are `gold.x@V`.
    """

    rows: pa.Table
    releases: tuple[str, ...]
    receipts: tuple[str, ...]

    @property
    def release(self) -> str | None:
        """The releases read, joined by commas; None where the query reads no table."""
        return ",".join(self.releases) or None

    @property
    def receipt(self) -> str | None:
        """What `livinglab prove` takes to prove the tables read, joined by commas."""
        return ",".join(self.receipts) or None

    def as_json(self) -> dict[str, object]:
        """Return the fields of `query` (INTERFACE, Commands)."""
        return {
            "columns": list(self.rows.column_names),
            "rows": [list(row) for row in zip(*(c.to_pylist() for c in self.rows.columns), strict=True)],
            "release": self.release,
            "receipt": self.receipt,
        }


def query(site: Site, text: str, *, purpose: str, as_of: int | None = None) -> QueryResult:
    """Run one SELECT over published gold tables.

    as_of: the release to read, by its version, where the query reads one table.

    Raises:
        NotAllowed, Refused: role, purpose or query are not covered, or no release is published.
        WrongUse: the query cannot be read or run.
        NotReady: a table has no release.
        Unavailable: no head over a release has the cosignatures that the site demands.
    """
    site.actor.require("query")
    products = {contract.name: contract for contract in site.contracts.of_layer(Layer.GOLD)}
    others = [contract.table for contract in site.contracts if contract.layer is not Layer.GOLD]
    names = read_tables(text, products, others)
    if as_of is not None and len(names) != 1:
        raise WrongUse("--as-of needs a query over exactly one table", remedy="query one table at a time")
    site.policy.purpose(purpose)
    for name in names:
        products[name].require_purpose(purpose)
    releases = {name: _release_to_read(site, products[name], as_of) for name in names}
    rows = {name: _release_rows(site, release) for name, release in releases.items()}
    return QueryResult(
        rows=run_select(text, rows),
        releases=tuple(release["release_id"] for release in releases.values()),
        receipts=tuple(f"gold.{name}@{release['version']}" for name, release in releases.items()),
    )


def _release_to_read(site: Site, contract: DatasetContract, as_of: int | None) -> Row:
    newest = current_release(site, contract.name)
    if as_of is not None and (newest is None or newest["version"] != as_of):
        return _superseded(site, contract, as_of)
    if newest is not None:
        return newest
    if written_releases(site, contract.name):
        raise Refused(f"the release of {contract.table} was withdrawn", remedy="livinglab releases")
    made = list_releases(site, contract.name)
    if made:
        raise Refused(
            f"{contract.table} has no published release; its newest is {made[-1].state}",
            remedy="livinglab releases shows what waits for approval",
        )
    raise NotReady(
        f"{contract.table} has no release yet", remedy=f"livinglab publish {contract.name} makes one"
    )


def _superseded(site: Site, contract: DatasetContract, version: int) -> Row:
    site.actor.require("superseded")
    written = {row["version"]: row for row in written_releases(site, contract.name)}
    asked = written.get(version)
    if asked is not None and asked["state"] == ReleaseState.PUBLISHED:
        return asked
    if asked is not None:
        raise Refused(f"version {version} of {contract.table} was withdrawn", remedy="livinglab releases")
    versions = [str(number) for number, row in written.items() if row["state"] == ReleaseState.PUBLISHED]
    raise WrongUse(
        f"{contract.table} has no published version {version}",
        remedy=f"versions: {', '.join(versions) or 'none'}",
    )


def _release_rows(site: Site, release: Row) -> pa.Table:
    table = f"gold.{release['product']}"
    version = version_of(site, table, release["version"])
    if version is None:
        raise Damaged(f"{table} version {release['version']} has no leaf", remedy="livinglab fsck")
    require_cosigned(site, version.leaf, f"{table} version {version.version}")
    return site.lake.read(table, release["version"])
