"""What tables there are and what they mean.

Exact row counts of tables that are not released are shown to those who review them: to an analyst the
same number is a private answer (PROTOCOLS section 4, exact or private).
"""

from collections.abc import Mapping

from lakehouse.core.contract import Check, Column, DatasetContract, Layer, Statistic
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.errors import WrongUse
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.cosign import is_readable, require_cosigned
from lakehouse.pipeline.publish_records import current_release
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version

TABLE_CLASSES: Mapping[Layer, str] = {
    Layer.BRONZE: "sealed",
    Layer.SILVER: "pseudonymous",
    Layer.GOLD: "released",
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
        Unavailable: no head over its release has the cosignatures that the site demands.
    """
    site.actor.require("describe")
    contract = site.contracts.require(table)
    release = current_release(site, contract.name) if contract.layer is Layer.GOLD else None
    if release is not None:
        require_cosigned(site, release["leaf_index"], f"{table} version {release['version']}")
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
        release = current_release(site, contract.name)
        if release is None or not is_readable(site, release["leaf_index"]):
            return None, None
        return release["rows"], release["version"]
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
