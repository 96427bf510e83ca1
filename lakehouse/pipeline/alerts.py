"""alerts: which thresholds of the site file are passed, read from the registry alone."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.alerts import (
    Alert,
    budget_alert,
    cosignature_alert,
    deadline_alerts,
    late_alerts,
    quarantine_alert,
)
from lakehouse.core.canonical import digest_json, timestamp
from lakehouse.core.checkpoint import parse_note
from lakehouse.core.contract import Layer
from lakehouse.errors import ContractError, WrongUse
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.cosign import HEADS_SEARCHED, kept_cosignatures, meets
from lakehouse.pipeline.site import Site

_DAG = re.compile(r"[a-z][a-z0-9_]{0,199}", re.ASCII)


def watched_alerts(site: Site) -> list[Alert]:
    """Return everything that is watched, firing or not; ContractError where a period names no data set."""
    _require_datasets(site)
    now = site.clock()
    with site.registry.reading() as tx:
        newest = {row["dataset"]: row for row in tx.many("batches")}
        missed = {row["dag"]: moment_of(row) for row in tx.many("missed_deadlines", order="created_at")}
    times = {dataset: moment_of(row) for dataset, row in newest.items() if row["created_at"]}
    return [
        *(
            quarantine_alert(site.alerts, dataset, row["received"] or 0, row["quarantined"] or 0)
            for dataset, row in newest.items()
        ),
        *late_alerts(site.alerts, times, now),
        *(
            budget_alert(site.alerts, row.population, row.purpose, Decimal(row.cap), Decimal(row.left))
            for row in budget_rows(site)
        ),
        cosignature_alert(site.alerts, uncovered_since(site), now),
        *deadline_alerts(site.alerts, missed, now),
    ]


def record_missed_deadline(site: Site, dag: str, run: str) -> bool:
    """Keep that a run of a DAG missed its deadline; False where it was known already.

    The run's name may hold what a person typed, so only its digest is kept. WrongUse: no name of a DAG.
    """
    if not _DAG.fullmatch(dag):
        raise WrongUse("that is no name of a DAG", remedy="lower-case letters, digits and _, at most 200")
    own = {"dag": dag, "run": digest_json(["run", dag, run])}
    with site.registry.transaction() as tx:
        if tx.one("missed_deadlines", **own) is not None:
            return False
        tx.add("missed_deadlines", **own, created_at=timestamp(site.clock()))
    return True


def firing_alerts(site: Site) -> list[Alert]:
    """Return the alerts that fire now."""
    return [alert for alert in watched_alerts(site) if alert.firing]


def uncovered_since(site: Site) -> datetime | None:
    """Return when the first head was signed after the last one that has what the site demands.

    None where the newest head has it, or nothing is demanded.
    """
    policy = site.log_policy
    if not (policy.cosignatures or policy.post_quantum):
        return None
    since = None
    for row in reversed(_newest_heads(site)):
        if meets(policy, kept_cosignatures(site, parse_note(str(row["note"])), row["size"])):
            break
        since = moment_of(row)
    return since


def moment_of(row: Row) -> datetime:
    """Return when a row of the registry was made."""
    return datetime.fromisoformat(row["created_at"])


def _newest_heads(site: Site) -> Sequence[Row]:
    with site.registry.reading() as tx:
        return tx.many("checkpoints", order="size", newest=HEADS_SEARCHED)


def _require_datasets(site: Site) -> None:
    known = tuple(contract.name for contract in site.contracts.of_layer(Layer.BRONZE))
    for dataset in site.alerts.period_days:
        if dataset not in known:
            raise ContractError(
                "site file", f"alerts.period_days.{dataset}", "is not a data set", allowed=known
            )
