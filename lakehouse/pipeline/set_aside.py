"""What was set aside and why: places and reasons, never a value (INTERFACE, quarantine)."""

from collections.abc import Iterator
from typing import Any

from lakehouse.core.contract import Layer, quarantine_of
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version

SHOWN = ("batch", "file", "row", "rows", "stage", "reason", "column")


def quarantined_rows(site: Site, dataset: str, batch: int | None = None) -> list[dict[str, Any]]:
    """Return one entry a place set aside, by land and by every refine that reads the data set.

    `file` is the file's number in its batch (`#17`); `rows` how many input rows the entry stands for.
    """
    site.actor.require("quarantine")
    rows = [row for table in _tables(site, dataset) for row in _entries(site, table)]
    return [row for row in rows if batch is None or row["batch"] == batch]


def _tables(site: Site, dataset: str) -> Iterator[str]:
    bronze = site.contracts.bronze(dataset)
    yield bronze.table
    for contract in site.contracts.of_layer(Layer.SILVER):
        if contract.source == bronze.table:
            yield contract.table


def _entries(site: Site, table: str) -> Iterator[dict[str, Any]]:
    version = current_version(site, quarantine_of(table))
    if version is None:
        return
    found = site.lake.read(version.table, version.version, list(SHOWN)).sort_by(
        [(name, "ascending") for name in ("batch", "file", "row")]
    )
    for row in found.to_pylist():
        yield {**row, "file": f"#{row['file']}", "table": table}
