"""What the pages show, read from the registry: figures and digests, never rows.

`compliance_page` returns plain values for the template; nothing here writes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lakehouse.core.canonical import timestamp
from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.cosign import read_cosigning

if TYPE_CHECKING:
    from lakehouse.adapters.sql_registry import Transaction
    from lakehouse.pipeline.site import Site

Line = dict[str, Any]

RELEASES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePage:
    """The facts of the Compliance page; None for a part that the viewer's roles do not cover."""

    origin: str
    viewer: str
    roles: tuple[str, ...]
    time: str
    tables: list[Line]
    waiting: list[Line]
    releases: list[Line]
    budget: list[Line]
    log: Line
    runs: list[Line]
    quarantine: list[Line] | None
    reports: list[str] | None


def compliance_page(site: "Site", runs: list[Line]) -> CompliancePage:
    """Return the page for the site's actor; `runs` are the last DAG runs, newest first."""
    with site.registry.reading() as tx:
        tables = _table_lines(site, tx)
        releases = [_release_line(site, row) for row in tx.many("releases", order="created_at")][::-1]
        quarantine = _quarantine_lines(site, tx) if site.actor.may("quarantine") else None
    return CompliancePage(
        origin=site.home.origin,
        viewer=site.actor.name,
        roles=tuple(sorted(site.actor.roles)),
        time=timestamp(site.clock()),
        tables=tables,
        waiting=_waiting(releases),
        releases=releases[:RELEASES_SHOWN],
        budget=[_budget_line(row.as_json()) for row in budget_rows(site)],
        log=_log_line(site),
        runs=runs,
        quarantine=quarantine,
        reports=report_names(site) if site.actor.may("report") else None,
    )


def _log_line(site: "Site") -> Line:
    """Return the head as the log signed it, and who cosigned it; `cosigning` is None without witnesses."""
    cosigning = read_cosigning(site).as_json() if site.log_policy.witnesses else None
    return {
        "size": site.log.size(),
        "checkpoint": site.log.signed_head().render(),
        "cosigning": cosigning,
        "witnesses": len(site.log_policy.witnesses),
    }


def report_names(site: "Site") -> list[str]:
    """Return the names of the HTML reports of the home, newest first."""
    folder = site.home.place("reports")
    found = [path for path in folder.glob("*.html") if path.is_file() and not path.is_symlink()]
    return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def _table_lines(site: "Site", tx: "Transaction") -> list[Line]:
    order = list(Layer)
    contracts = sorted(site.contracts, key=lambda contract: (order.index(contract.layer), contract.name))
    return [_table_line(site, tx, contract) for contract in contracts]


def _table_line(site: "Site", tx: "Transaction", contract: DatasetContract) -> Line:
    """Row counts of tables of people are for those who may read reports, as in `livinglab tables`."""
    rows = tx.many("versions", table_name=contract.table, order="version", newest=1)
    newest: Mapping[str, Any] = rows[0] if rows else {}
    counted = contract.layer is Layer.GOLD or site.actor.may("report")
    return {
        "table": contract.table,
        "title": contract.title,
        "version": newest.get("version"),
        "rows": newest.get("rows") if counted else None,
        "leaf": newest.get("leaf_index"),
        "time": newest.get("created_at"),
    }


def _release_line(site: "Site", row: Mapping[str, Any]) -> Line:
    """Counts of cells and people left out are for those who review releases."""
    kept = ("release_id", "product", "state", "version", "rows", "suppressed", "k", "l", "t", "findings")
    return {
        **{name: row[name] for name in kept},
        "table": row["table_name"] or f"gold.{row['product']}",
        "reasons": list(row["reasons"] or ()) if site.actor.may("report") else None,
        "time": row["updated_at"],
    }


def _waiting(releases: Sequence[Line]) -> list[Line]:
    """Return what waits, newest first; `replaced` says that a later release of the product stands."""
    seen: set[str] = set()
    waiting = []
    for line in releases:
        if line["state"] == "SUBMITTED":
            waiting.append({**line, "replaced": line["product"] in seen})
        if line["state"] != "REJECTED":
            seen.add(line["product"])
    return waiting


def _budget_line(row: Mapping[str, Any]) -> Line:
    return {**row, "high": f"{Decimal(row['cap']) * 4 / 5:f}"}


def _quarantine_lines(site: "Site", tx: "Transaction") -> list[Line]:
    """Count what was set aside: by land over all batches, by refine in the newest version of each table."""
    counted: Counter[tuple[str, str]] = Counter()
    for batch in tx.many("batches"):
        _count_reasons(counted, f"bronze.{batch['dataset']}", batch["reasons"])
    for contract in site.contracts.of_layer(Layer.SILVER):
        for version in tx.many("versions", table_name=contract.table, order="version", newest=1):
            _count_reasons(counted, contract.table, (version["details"] or {}).get("reasons"))
    return [{"table": key[0], "reason": key[1], "rows": rows} for key, rows in sorted(counted.items())]


def _count_reasons(counted: Counter[tuple[str, str]], table: str, reasons: Mapping[str, int] | None) -> None:
    counted.update({(table, reason): rows for reason, rows in (reasons or {}).items()})


def run_lines(runs: Iterable[Any]) -> list[Line]:
    """Return the lines of Airflow's DAG runs: name, run, state, when it began."""
    return [
        {
            "dag_id": run.dag_id,
            "run_id": run.run_id,
            "state": str(getattr(run.state, "value", run.state)),
            "time": run.start_date.strftime("%Y-%m-%dT%H:%M:%SZ") if run.start_date else None,
        }
        for run in runs
    ]
