"""What Airflow's daemons do between the DAG files and a run, done in this process."""

import sqlite3
from pathlib import Path
from typing import Any

from livinglab_airflow.settings import PROJECT


def sync_dags() -> None:
    """Write the DAG files into Airflow's database, as the DAG processor does, unpaused."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    bundle = next(iter(manager.get_all_dag_bundles()))
    bundle.initialize()
    bag = BundleDagBag(str(PROJECT / "dags"), bundle_path=bundle.path, bundle_name=bundle.name)
    for _ in range(2):
        sync_bag_to_db(bag, bundle.name, bundle.version)


def run_to_end(dag: Any, run_id: str) -> str:
    """Run what a DAG run still has to do, as scheduler and workers would; return how the run ended."""
    from airflow import settings
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy import select

    session = settings.Session()
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag.dag_id, DagRun.run_id == run_id))
    run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    run.state = DagRunState.RUNNING
    session.commit()
    while run.state == DagRunState.RUNNING:
        session.expire_all()
        ready, _ = run.update_state(session=session)
        for instance in ready:
            instance.try_number += 1
            instance.state = TaskInstanceState.SCHEDULED
        session.commit()
        waiting = [own for own in run.get_task_instances(session=session) if own.state == "scheduled"]
        for instance in waiting:
            _run_task(ti=instance, task=dag.task_dict[instance.task_id])
    ended = str(run.state)
    session.close()
    return ended


def everything_airflow_keeps(home: Path) -> str:
    """Return all text of Airflow's database and log files."""
    folder = home / "airflow"
    database = sqlite3.connect(folder / "airflow.db")
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = [str(row) for table in tables for row in database.execute(f'SELECT * FROM "{table}"')]
    database.close()
    logs = [path.read_text(errors="replace") for path in folder.rglob("*.log")]
    return "\n".join([*rows, *logs])
