"""What tables there are, what they mean, and reading the published ones.

Analysts read published gold only. Exact row counts of other tables are shown to those who review them:
to an analyst the same number is a private answer (PROTOCOLS section 4, exact or private).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.adapters.duckdb_reader import run_select
from lakehouse.adapters.query_guard import read_tables
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.contract import Check, Column, DatasetContract, Layer, Statistic
from lakehouse.core.release import ReleaseState
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.errors import Damaged, NotReady, Refused, WrongUse
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version, version_of

TABLE_CLASSES: Mapping[Layer, str] = {
    Layer.BRONZE: "sealed",
    Layer.SILVER: "pseudonymous",
    Layer.GOLD: "released",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The rows of a query, the releases it read and what proves them (`livinglab prove RECEIPT`).

    releases, receipts: one a table read, in order of mention; receipts are `gold.x@V`.
    """

    rows: pa.Table
    releases: tuple[str, ...]
    receipts: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the fields of `query` (INTERFACE, Commands)."""
        return {
            "columns": list(self.rows.column_names),
            "rows": [list(row) for row in zip(*(c.to_pylist() for c in self.rows.columns), strict=True)],
            "release": ",".join(self.releases) or None,
            "receipt": ",".join(self.receipts) or None,
        }


def list_tables(site: Site, layer: str | None = None) -> list[dict[str, object]]:
    """Return `tables[]`: every table that has a contract, of one layer or of all."""
    site.actor.require("tables")
    layers = tuple(Layer) if layer is None else (_parse_layer(layer),)
    return [_summary(site, contract) for each in layers for contract in site.contracts.of_layer(each)]


def describe_table(site: Site, table: str) -> dict[str, object]:
    """Return what the contract says of a table and its columns, its checks and the budget left.

    Raises:
        WrongUse: there is no such table.
    """
    site.actor.require("describe")
    contract = site.contracts.find(table)
    if contract is None:
        raise WrongUse(f"there is no table {table!r}", remedy="livinglab tables")
    release = _published(site, contract) if contract.layer is Layer.GOLD else None
    return {
        **_summary(site, contract),
        "description": contract.description,
        "grain": contract.grain,
        "keys": list(contract.keys),
        "population": contract.population,
        "retention_days": contract.retention_days,
        "columns": [_column_json(*found) for found in _columns(site, contract)],
        "checks": [_check_json(check) for check in contract.checks],
        "release": release and release["release_id"],
        "k": release and release["k"],
        "l": release and release["l"],
        "t": release and release["t"],
        "budget": [row.as_json() for row in budget_rows(site, table)],
    }


def query(site: Site, text: str, *, purpose: str, as_of: int | None = None) -> QueryResult:
    """Run one SELECT over published gold tables.

    as_of: the release to read, by its version, where the query reads one table.

    Raises:
        NotAllowed, Refused: role, purpose or query are not covered.
        WrongUse: the query cannot be read or run.
        NotReady: a table has no published release.
    """
    site.actor.require("query")
    products = {contract.name: contract for contract in site.contracts.of_layer(Layer.GOLD)}
    others = [contract.table for contract in site.contracts if contract.layer is not Layer.GOLD]
    names = read_tables(text, products, others)
    if as_of is not None and len(names) != 1:
        raise WrongUse("--as-of needs a query over exactly one table", remedy="query one table at a time")
    for name in names:
        _require_purpose(site, products[name], purpose)
    releases = {name: _release_to_read(site, products[name], as_of) for name in names}
    rows = {name: _release_rows(site, release) for name, release in releases.items()}
    return QueryResult(
        rows=run_select(text, rows),
        releases=tuple(release["release_id"] for release in releases.values()),
        receipts=tuple(f"gold.{name}@{release['version']}" for name, release in releases.items()),
    )


def _parse_layer(layer: str) -> Layer:
    if layer not in tuple(Layer):
        raise WrongUse("the layer is not known", remedy=f"one of: {', '.join(Layer)}")
    return Layer(layer)


def _summary(site: Site, contract: DatasetContract) -> dict[str, object]:
    rows, version = _size(site, contract)
    return {
        "name": contract.table,
        "layer": str(contract.layer),
        "title": contract.title,
        "rows": rows,
        "version": version,
        "purposes": list(contract.purposes),
        "class": TABLE_CLASSES[contract.layer],
    }


def _size(site: Site, contract: DatasetContract) -> tuple[int | None, int | None]:
    if contract.layer is Layer.GOLD:
        release = _published(site, contract)
        return (release["rows"], release["version"]) if release else (None, None)
    version = current_version(site, contract.table)
    if version is None:
        return None, None
    return (version.rows if site.actor.may("report") else None), version.version


def _columns(site: Site, contract: DatasetContract) -> list[tuple[Column, str]]:
    """Return the columns with how analysts may learn them: exact, private or none."""
    found = [(column, str(column.statistic)) for column in contract.columns]
    if contract.layer is not Layer.GOLD:
        return found
    rules = parse_release_rules(contract, site.policy.floor)
    private = {name for answer in rules.private for name in (answer.column, answer.accuracy_column)}
    named = {True: str(Statistic.PRIVATE), False: str(Statistic.EXACT)}
    return [(column, named[column.name in private]) for column, _ in found]


def _column_json(column: Column, learned: str) -> dict[str, object]:
    return {
        "name": column.name,
        "type": str(column.type),
        "unit": column.unit,
        "sensitivity": str(column.sensitivity),
        "handling": column.handling.method,
        "class": learned,
        "bounds": [float(bound) for bound in column.bounds] if column.bounds else None,
        "groups": list(column.groups),
        "description": column.description,
    }


def _check_json(check: Check) -> dict[str, object]:
    return {"expect": check.expect, **check.arguments}


def _require_purpose(site: Site, contract: DatasetContract, purpose: str) -> None:
    site.policy.purpose(purpose)
    if purpose not in contract.purposes:
        raise Refused(
            f"{contract.table} may not be used for {purpose!r}",
            remedy=f"purposes of the table: {', '.join(contract.purposes) or 'none'}",
        )


def _releases(site: Site, contract: DatasetContract) -> list[Row]:
    """Return the product's releases that became versions of gold, oldest first."""
    with site.registry.reading() as tx:
        rows = tx.many("releases", product=contract.name)
    left_the_house = (ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN)
    came_out = [row for row in rows if row["state"] in left_the_house and row["version"] is not None]
    return sorted(came_out, key=lambda row: row["version"])


def _published(site: Site, contract: DatasetContract) -> Row | None:
    """Return the newest release where it stands published; an earlier one does not come back for it."""
    newest = _releases(site, contract)[-1:]
    return newest[0] if newest and newest[0]["state"] == ReleaseState.PUBLISHED else None


def _release_to_read(site: Site, contract: DatasetContract, as_of: int | None) -> Row:
    newest = _published(site, contract)
    if as_of is not None and (newest is None or newest["version"] != as_of):
        return _superseded(site, contract, as_of)
    if newest is not None:
        return newest
    if _releases(site, contract):
        raise Refused(f"the release of {contract.table} was withdrawn", remedy="livinglab releases")
    raise NotReady(
        f"{contract.table} has no published release",
        remedy="livinglab releases shows what waits for approval",
    )


def _superseded(site: Site, contract: DatasetContract, version: int) -> Row:
    site.actor.require("superseded")
    for row in _releases(site, contract):
        if row["version"] == version and row["state"] == ReleaseState.PUBLISHED:
            return row
    versions = [str(row["version"]) for row in _releases(site, contract)]
    raise WrongUse(
        f"{contract.table} has no published version {version}",
        remedy=f"versions: {', '.join(versions) or 'none'}",
    )


def _release_rows(site: Site, release: Row) -> pa.Table:
    table = f"gold.{release['product']}"
    if version_of(site, table, release["version"]) is None:
        raise Damaged(f"{table} version {release['version']} has no leaf", remedy="livinglab fsck")
    return site.lake.read(table, release["version"])
