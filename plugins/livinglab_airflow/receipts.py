"""What one DAG run wrote into the log, and the runs before and after it: figures and digests, never rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.models.xcom import XComModel
from sqlalchemy import select

from lakehouse.core.contract import Layer
from lakehouse.errors import WrongUse
from livinglab_airflow.refusals import OUTCOME_KEY

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lakehouse.adapters.sql_registry import Row, Transaction
    from lakehouse.pipeline.site import Site

Line = dict[str, Any]

ENTRIES_SEARCHED = 1000
"""How far back a receipt looks for what a run wrote, and for who read it."""

LONGEST_OUTCOME = 400
"""Characters of what a task has said that are shown: whoever may write to Airflow may write more."""

PROVABLE_KINDS = frozenset({"create", "write", "delete", "draft"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPage:
    """What one DAG run wrote into the log, and the head of the log that covers it.

    earlier, later: the runs that made what this one read, and those that read what it made. outcomes: why
    tasks of it had nothing to do.
    """

    dag_id: str
    run_id: str
    origin: str
    size: int
    root: str
    lines: list[Line]
    earlier: list[Line]
    later: list[Line]
    outcomes: list[str]


def receipt_page(site: "Site", dag_id: str, run_id: str, outcomes: Iterable[str] = ()) -> ReceiptPage:
    """Return what the run `dag_id`/`run_id` wrote: versions, then answers and decisions.

    outcomes: what its skipped tasks have said, as Airflow keeps it.
    """
    run = f"{dag_id}/{run_id}"
    with site.registry.reading() as tx:
        versions = tx.many("versions", order="leaf_index", newest=ENTRIES_SEARCHED)
        records = tx.many("records", order="leaf_index", newest=ENTRIES_SEARCHED)
        entries = [*versions, *records]
        own = [row for row in entries if _run_of(row) == run]
        earlier = runs_before(tx, own, run)
        lines = [_version_line(site, row) for row in versions if _run_of(row) == run]
        lines += [_record_line(tx, row) for row in records if _run_of(row) == run]
    return ReceiptPage(
        dag_id=dag_id,
        run_id=run_id,
        origin=site.home.origin,
        size=site.log.size(),
        root=site.log.root().hex(),
        lines=sorted(lines, key=lambda line: int(line["leaf"])),
        earlier=earlier,
        later=runs_after(entries, own, run),
        outcomes=list(outcomes),
    )


def run_outcomes(session: "Session", dag_id: str, run_id: str) -> list[str]:
    """Return why skipped tasks of a run had nothing to do, in order of time, as Airflow keeps it."""
    chosen = (
        select(XComModel)
        .where(XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == OUTCOME_KEY)
        .order_by(XComModel.timestamp, XComModel.task_id, XComModel.map_index)
    )
    said = (XComModel.deserialize_value(row) for row in session.scalars(chosen))
    return [text[:LONGEST_OUTCOME] for text in said if isinstance(text, str)]


def _run_of(row: "Row") -> str | None:
    return (row["details"] or {}).get("run")


def runs_before(tx: "Transaction", own: Sequence["Row"], run: str) -> list[Line]:
    """Return the runs that wrote the leaves which this run's entries name as their inputs."""
    leaves = sorted({leaf for row in own for leaf in row["inputs"] or ()})
    read = [row for leaf in leaves for row in tx.many("versions", leaf_index=leaf)]
    return _by_run(read, run)


def runs_after(entries: Iterable["Row"], own: Sequence["Row"], run: str) -> list[Line]:
    """Return the runs whose entries name a leaf of this run as an input."""
    made = {row["leaf_index"] for row in own}
    return _by_run((row for row in entries if made.intersection(row["inputs"] or ())), run)


def _by_run(rows: Iterable["Row"], run: str) -> list[Line]:
    """Group tables by the run that wrote them, this one left out; None is what a command wrote."""
    tables: dict[str | None, list[str]] = {}
    for row in rows:
        if _run_of(row) != run:
            tables.setdefault(_run_of(row), []).append(_name_of(row))
    return [
        {
            "dag_id": name.split("/", 1)[0] if name else None,
            "run_id": name.split("/", 1)[1] if name else None,
            "tables": list(dict.fromkeys(listed)),
        }
        for name, listed in tables.items()
    ]


def _name_of(row: "Row") -> str:
    return f"{row['table_name']}@{row['version']}" if "table_name" in row else str(row["kind"])


def _version_line(site: "Site", row: "Row") -> Line:
    """Counts of rows of people are for those who may read reports, as on the Compliance page."""
    counted = str(row["table_name"]).startswith(f"{Layer.GOLD}.") or site.actor.may("report")
    provable = row["kind"] in PROVABLE_KINDS
    return {
        "table": row["table_name"],
        "version": row["version"],
        "kind": row["kind"],
        "rows": row["rows"] if counted else None,
        "leaf": row["leaf_index"],
        "time": row["created_at"],
        "file_digest": row["file_digest"],
        "content_digest": row["content_digest"],
        "proof": f"{row['table_name']}@{row['version']}" if provable else None,
    }


def _record_line(tx: "Transaction", row: "Row") -> Line:
    return {
        "table": row["ref"] or row["kind"],
        "version": None,
        "kind": row["kind"],
        "rows": None,
        "leaf": row["leaf_index"],
        "time": row["created_at"],
        "file_digest": None,
        "content_digest": None,
        "proof": _proof_name(tx, row["ref"], row["leaf_index"]),
    }


def _proof_name(tx: "Transaction", ref: str | None, leaf: int) -> str | None:
    """Return the name under which `prove` finds this leaf and no other, if there is one."""
    from lakehouse.pipeline.prove import find_leaf

    try:
        return ref if ref and find_leaf(tx, ref) == leaf else None
    except WrongUse:
        return None
