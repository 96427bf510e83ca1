"""Run DAGs through Airflow in this process, one after another, and read what their tasks returned."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from airflow.models.asset import AssetDagRunQueue
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import delete, select

from livinglab_airflow.refusals import REFUSAL_KEY

RETURN_KEY = "return_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A DAG run that ended: what each task returned (mapped tasks: in order), and the first refusal."""

    dag_id: str
    run_id: str
    success: bool
    results: dict[str, list[Any]]
    refusal: dict[str, Any] | None


def run_dag(dag: Any, conf: dict[str, Any]) -> FinishedRun:
    """Run one DAG to its end in this process; nobody watches its deadline.

    Airflow 3.3.2 ends `dag.test` of a DAG with a deadline in an AttributeError (its issue 73428).
    """
    dag.deadline = None
    run = dag.test(run_conf=conf)
    results = returned_values(dag.dag_id, run.run_id, RETURN_KEY)
    refusals = returned_values(dag.dag_id, run.run_id, REFUSAL_KEY)
    return FinishedRun(
        dag_id=dag.dag_id,
        run_id=run.run_id,
        success=run.state == DagRunState.SUCCESS,
        results=results,
        refusal=next((refusal for found in refusals.values() for refusal in found), None),
    )


def forget_queued_events(dag_ids: Iterable[str]) -> None:
    """Drop asset events that wait for these DAGs: they have just run, a scheduler need not run them again."""
    with create_session() as session:
        session.execute(delete(AssetDagRunQueue).where(AssetDagRunQueue.target_dag_id.in_(list(dag_ids))))


def returned_values(dag_id: str, run_id: str, key: str = RETURN_KEY) -> dict[str, list[Any]]:
    """Return what the tasks of a run left under a key, by task (mapped ones in order)."""
    chosen = (
        select(XComModel)
        .where(XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == key)
        .order_by(XComModel.task_id, XComModel.map_index)
    )
    found: dict[str, list[Any]] = {}
    with create_session() as session:
        for row in session.scalars(chosen):
            found.setdefault(row.task_id, []).append(XComModel.deserialize_value(row))
    return found
