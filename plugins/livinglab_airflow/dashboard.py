"""What the panel on Airflow's home page shows: today's batches, what waits, the log, alerts.

Figures from the registry alone. Counts of rows are exact for those who handle quarantine, rounded as in
`status --metrics` for other reviewers, and absent for everybody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import select

from lakehouse.core.canonical import timestamp
from lakehouse.core.contract import Layer
from lakehouse.core.metrics import shown_count
from lakehouse.core.release import ReleaseState
from lakehouse.pipeline.alerts import firing_alerts
from lakehouse.pipeline.cosign import read_cosigning
from livinglab_airflow.paths import approval_path, dag_path, receipt_path

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lakehouse.adapters.sql_registry import Row, Transaction
    from lakehouse.pipeline.site import Site

Line = dict[str, Any]
Counts = Literal["exact", "rounded", "hidden"]

BATCHES_SEARCHED = 500
"""How many of the newest batches are looked through for today's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An approval that Airflow waits for: its text, which names the release, and its path in Airflow."""

    text: str
    path: str


def dashboard_facts(site: "Site", questions: Iterable[Question]) -> Line:
    """Return the panel's facts for the site's actor; `questions`: the approvals that wait in Airflow."""
    now = timestamp(site.clock())
    counts = shown_counts(site)
    with site.registry.reading() as tx:
        batches = tx.many("batches", order="created_at", newest=BATCHES_SEARCHED)
        today = [
            _batch_line(site, tx, row, counts) for row in batches if str(row["created_at"])[:10] == now[:10]
        ]
        waiting = _waiting_lines(site, tx, list(questions))
    return {
        "origin": site.home.origin,
        "viewer": site.actor.name,
        "roles": sorted(site.actor.roles),
        "time": now,
        "counts": counts,
        "least": site.policy.floor.k,
        "may": {verb: site.actor.may(verb) for verb in ("land", "decide")},
        "batches": today[::-1],
        "set_aside": _set_aside(site, batches, now[:10], counts),
        "waiting": waiting,
        "log": _log_facts(site),
        "alerts": [alert.as_json() for alert in firing_alerts(site)],
    }


def open_questions(session: "Session") -> list[Question]:
    """Return the approvals that wait for an answer in Airflow."""
    unanswered = (
        select(HITLDetail)
        .join(TaskInstance, HITLDetail.ti_id == TaskInstance.id)
        .where(HITLDetail.responded_at.is_(None), TaskInstance.dag_id.startswith("approve_", autoescape=True))
    )
    found = [(detail.body or "", detail.task_instance) for detail in session.scalars(unanswered)]
    return [
        Question(text=text, path=approval_path(asked.dag_id, asked.run_id, asked.task_id))
        for text, asked in found
    ]


def shown_counts(site: "Site") -> Counts:
    """Return how the actor sees counts of rows."""
    if site.actor.may("quarantine"):
        return "exact"
    return "rounded" if site.actor.may("metrics") else "hidden"


def _batch_line(site: "Site", tx: "Transaction", row: "Row", counts: Counts) -> Line:
    contract = site.contracts.find(f"{Layer.BRONZE}.{row['dataset']}")
    return {
        "dataset": row["dataset"],
        "title": contract.title if contract else row["dataset"],
        "batch": row["batch"],
        "time": row["created_at"],
        **{name: _shown(site, row[name], counts) for name in ("received", "accepted", "quarantined")},
        "source": dag_path(f"source_{row['dataset']}"),
        "receipt": _receipt_of(tx, row),
    }


def _receipt_of(tx: "Transaction", batch: "Row") -> str | None:
    """Return the place of the receipt of the run that landed a batch; None where a command did."""
    table = f"{Layer.BRONZE}.{batch['dataset']}"
    for version in tx.many("versions", table_name=table, intent_id=batch["intent_id"]):
        run = (version["details"] or {}).get("run")
        if run:
            return receipt_path(str(run))
    return None


def _set_aside(site: "Site", batches: Iterable["Row"], day: str, counts: Counts) -> int | None:
    """Return how many rows land set aside on `day`; None where that is not shown."""
    total = sum(row["quarantined"] or 0 for row in batches if str(row["created_at"])[:10] == day)
    return _shown(site, total, counts)


def _shown(site: "Site", count: int | None, counts: Counts) -> int | None:
    if counts == "hidden" or count is None:
        return None
    floor = site.policy.floor
    return count if counts == "exact" else shown_count(count, minimum=floor.k, step=floor.round_to)


def _waiting_lines(site: "Site", tx: "Transaction", questions: list[Question]) -> list[Line]:
    """Return what waits, newest first; `replaced` says that a later release of the product stands."""
    seen: set[str] = set()
    waiting = []
    for row in reversed(tx.many("releases", order="created_at")):
        if row["state"] == ReleaseState.SUBMITTED:
            replaced = row["product"] in seen
            waiting.append({**_waiting_line(site, row, questions), "replaced": replaced})
        if row["state"] != ReleaseState.REJECTED:
            seen.add(row["product"])
    return waiting


def _waiting_line(site: "Site", row: Mapping[str, Any], questions: list[Question]) -> Line:
    contract = site.contracts.find(f"{Layer.GOLD}.{row['product']}")
    named = f"`{row['release_id']}`"
    return {
        "release": row["release_id"],
        "product": row["product"],
        "title": contract.title if contract else row["product"],
        "since": row["updated_at"],
        "reasons": list(row["reasons"] or ()) if site.actor.may("report") else None,
        "approval": next((asked.path for asked in questions if named in asked.text), None),
    }


def _log_facts(site: "Site") -> Line:
    if not site.log_policy.witnesses:
        return {"size": site.log.size(), "witnesses": 0, "cosigned": 0, "wanted": 0, "satisfied": True}
    cosigning = read_cosigning(site)
    return {
        "size": site.log.size(),
        "witnesses": len(site.log_policy.witnesses),
        "cosigned": len(cosigning.collected),
        "wanted": cosigning.wanted,
        "satisfied": cosigning.satisfied,
    }
