"""`python -m livinglab_airflow.run_demo`: every source and product DAG of a home, in this one process.

Started by `livinglab demo`, which reads the events; approvals are not run, they are a person's.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from livinglab_airflow.events import EventPipe, stop_with_parent
from livinglab_airflow.settings import PROJECT, use_airflow

FIRST = (
    "source_consents",
    "source_ehr",
    "source_clinic_notes",
    "source_gait_people",
    "source_gait_walks",
    "publish_gait_by_cohort",
    "publish_gait_people_open",
    "publish_conditions_by_age",
)
"""Consents before what they cover; the release that waits comes last. Others follow by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the DAGs; events: `task`, `ran`, `skipped`, `failed`, `finished`. Returns 0 when all succeeded."""
    options = _parser().parse_args(arguments)
    pipe = EventPipe(options.events)
    stop_with_parent()
    os.umask(0o077)
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
    use_airflow(options.home, site_file=options.site)
    return _run_all(pipe, {"source": str(options.source)} if options.source else {})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="livinglab_airflow.run_demo")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--site", type=Path)
    parser.add_argument(
        "--source", type=Path, help="folder with one folder a publisher; default: landing/ alone"
    )
    parser.add_argument("--events", type=int, required=True, help="file descriptor for the events")
    return parser


def _run_all(pipe: EventPipe, conf: dict[str, Any]) -> int:
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.dag_runs import forget_queued_events
    from livinglab_airflow.database import prepare_database

    prepare_database()
    bag = DagBag(str(PROJECT / "dags"))
    if bag.import_errors:
        names = ", ".join(sorted(Path(file).name for file in bag.import_errors))
        pipe.send("failed", refusal={"message": f"{names} cannot be loaded"})
        return 1
    _report_tasks(pipe)
    order = demo_order(bag.dags)
    if not all(_run_one(pipe, bag.dags[dag_id], conf) for dag_id in order):
        return 1
    forget_queued_events(order)
    pipe.send("finished")
    return 0


def _run_one(pipe: EventPipe, dag: Any, conf: dict[str, Any]) -> bool:
    """Run one DAG and tell how it went; `conf` is the sources' alone."""
    from livinglab_airflow.dag_runs import run_dag

    missing = missing_of(dag.dag_id)
    if missing is not None:
        pipe.send("skipped", dag=dag.dag_id, why=f"{missing} has no version: nothing was landed for it")
        return True
    started = time.monotonic()
    run = run_dag(dag, conf if dag.dag_id.startswith("source_") else {})
    if not run.success:
        pipe.send("failed", dag=dag.dag_id, run=run.run_id, refusal=run.refusal)
        return False
    seconds = round(time.monotonic() - started, 1)
    pipe.send("ran", dag=dag.dag_id, run=run.run_id, seconds=seconds, results=run.results)
    return True


def missing_of(dag_id: str) -> str | None:
    """Return a table that a product DAG reads and that has no version yet: a source may hold few of them."""
    from livinglab_airflow.sites import missing_input, opened_site, site_file

    if not dag_id.startswith("publish_"):
        return None
    site = opened_site(site_file(), os.environ["LIVINGLAB_HOME"])
    return missing_input(site, dag_id.removeprefix("publish_"))


def demo_order(dag_ids: Iterable[str]) -> list[str]:
    """Return the DAGs that a demo runs, in order: sources, then products; never an approval."""
    found = set(dag_ids)
    others = sorted(found - set(FIRST))
    sources = [name for name in (*FIRST, *others) if name in found and name.startswith("source_")]
    return sources + [name for name in (*FIRST, *others) if name in found and name.startswith("publish_")]


def _report_tasks(pipe: EventPipe) -> None:
    from airflow.sdk.listener import get_listener_manager

    from livinglab_airflow.progress import TaskProgress

    get_listener_manager().add_listener(TaskProgress(pipe))


if __name__ == "__main__":
    sys.exit(main())
