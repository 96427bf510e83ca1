"""Answers of the DPO in Airflow about releases that were replaced or decided meanwhile: no run fails of them.

Registry and Airflow are real; what a person clicked is written where Airflow keeps it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import airflow_homes
import pytest
from dag_database import run_to_end, sync_dags

pytestmark = pytest.mark.airflow

PRODUCTS = ("walkers_open", "runners_open")


@pytest.fixture(scope="module")
def dags() -> Iterator[Any]:
    """A home of its own with two products, and their DAGs."""
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.contracts import site_contracts
    from livinglab_airflow.settings import PROJECT

    tested = airflow_homes.tested_airflow()
    contracts = tested.folder / "expectations" / "gold"
    second = airflow_homes.GOLD.format(name="runners").replace("silver.runners", "silver.walkers")
    (contracts / "runners_open.toml").write_text(second)
    (contracts / "runners_open.sql").write_text(airflow_homes.PACE.format(name="walkers"))
    with tested.in_force("home-moot"):
        site_contracts.cache_clear()
        sync_dags()
        found = DagBag(str(PROJECT / "dags")).dags
        for product in PRODUCTS:
            # What `run_dag` says of Airflow 3.3.2 and deadlines holds here too.
            found[f"approve_{product}"].deadline = None
        yield found
        for file in contracts.glob("runners_open.*"):
            file.unlink()
        site_contracts.cache_clear()


@pytest.fixture
def site(dags: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The home with two releases of each product that wait, the second made after the first."""
    import os
    from pathlib import Path

    from lakehouse.sites import open_site
    from livinglab_airflow.sites import opened_site

    folder = airflow_homes.tested_airflow().folder
    home = Path(os.environ["LIVINGLAB_HOME"])
    opened_site.cache_clear()
    opened = open_site(folder / "site.toml", home, create=True)
    with opened.registry.transaction() as tx:
        for table in ("releases", "decisions"):
            tx.drop(table)
        for product in PRODUCTS:
            for number in (1, 2):
                tx.add("releases", **release(product, number))
    yield opened
    opened_site.cache_clear()


def release(product: str, number: int) -> dict[str, Any]:
    return {
        "release_id": f"{product}-{number}",
        "product": product,
        "table_name": f"draft.{product}",
        "state": "SUBMITTED",
        "version": number,
        "rows": 12,
        "suppressed": 3,
        "k": 5,
        "l": 2,
        "t": "0.31",
        "findings": 0,
        "leaf_index": number,
        "content_digest": f"{number}a" * 32,
        "reasons": ["small_cells: 3 cells of fewer than 5 people"],
        "facts": {},
        "created_at": "2026-11-22T09:02:00Z",
        "updated_at": "2026-11-22T09:02:00Z",
    }


def answered(dags: Any, release_id: str | None, option: str, product: str = PRODUCTS[0]) -> SimpleNamespace:
    """Answer what a run of the approval asks (None: what it finds by itself) and return how it ended."""
    from airflow.models.dagbag import DBDagBag
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select

    from livinglab_airflow.receipts import run_outcomes

    dag_id, moment = f"approve_{product}", datetime.now(UTC)
    given = {"ask_the_dpo": answer_of(option)}
    if release_id is not None:
        given["find_waiting_release"] = {"release_id": release_id, "facts": "..."}
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
        run = dag.create_dagrun(
            run_id=f"manual__{moment.isoformat()}",
            run_after=moment,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.RUNNING,
            session=session,
        )
        run_id = str(run.run_id)
        for instance in run.get_task_instances(session=session):
            if instance.task_id in given:
                instance.state = "success"
        for task_id, value in given.items():
            XComModel.set(
                "return_value",
                value,
                dag_id=dag_id,
                task_id=task_id,
                run_id=run_id,
                serialize=False,
                session=session,
            )
    ended = run_to_end(dags[dag_id], run_id)
    chosen = select(TaskInstance.state).where(TaskInstance.run_id == run_id, TaskInstance.task_id == "decide")
    with create_session() as session:
        return SimpleNamespace(
            ended=ended,
            decide=str(session.scalar(chosen)),
            outcomes=run_outcomes(session, dag_id, run_id),
        )


def answer_of(option: str) -> dict[str, Any]:
    person = {"id": "dpo", "name": "dpo"}
    return {
        "chosen_options": [option],
        "params_input": {"reason": "facts checked"},
        "responded_by_user": person,
    }


def states(site: Any) -> dict[str, str]:
    with site.registry.reading() as tx:
        return {row["release_id"]: row["state"] for row in tx.many("releases")}


def test_an_approval_of_a_replaced_release_ends_well_and_says_what_replaced_it(dags: Any, site: Any) -> None:
    before = site.log.size(), states(site)
    run = answered(dags, "walkers_open-1", "Approve")
    assert (run.ended, run.decide) == ("success", "skipped")
    assert "walkers_open-1 was replaced by walkers_open-2" in run.outcomes[0]
    assert (site.log.size(), states(site)) == before


def test_a_rejection_of_a_replaced_release_is_recorded(dags: Any, site: Any) -> None:
    run = answered(dags, "walkers_open-1", "Reject")
    assert (run.ended, run.decide, run.outcomes) == ("success", "success", [])
    assert states(site)["walkers_open-1"] == "REJECTED"


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_after_the_other_door_changes_nothing(dags: Any, site: Any, option: str) -> None:
    other_door_rejects(site)
    size = site.log.size()
    run = answered(dags, "walkers_open-2", option)
    assert (run.ended, run.decide) == ("success", "skipped")
    assert "decided already, it is REJECTED" in run.outcomes[0]
    assert site.log.size() == size


def other_door_rejects(site: Any) -> None:
    from lakehouse.pipeline.decide import decide

    decide(site, "walkers_open-2", "reject", "not needed")


@pytest.mark.parametrize(
    ("looks", "ended"), [([None], ("success", "skipped")), ([None, None], ("failed", "failed"))]
)
def test_the_other_door_may_be_quicker_than_the_look(
    dags: Any, site: Any, monkeypatch: pytest.MonkeyPatch, looks: list[None], ended: tuple[str, str]
) -> None:
    """The registry refuses, and a second look says why; the broken variant looks no second time and fails."""
    from livinglab_airflow import approvals

    real = approvals.why_moot
    monkeypatch.setattr(approvals, "why_moot", lambda *asked: looks.pop() if looks else real(*asked))
    other_door_rejects(site)
    run = answered(dags, "walkers_open-2", "Approve")
    assert (run.ended, run.decide) == ended


def test_two_products_that_wait_at_once_are_answered_apart(dags: Any, site: Any) -> None:
    """Each run finds the newest release of its own product."""
    assert answered(dags, None, "Reject", "runners_open").decide == "success"
    assert [name for name, state in states(site).items() if state == "REJECTED"] == ["runners_open-2"]
    assert answered(dags, None, "Reject", "walkers_open").decide == "success"
    left = [name for name, state in states(site).items() if state == "SUBMITTED"]
    assert left == ["runners_open-1", "walkers_open-1"]


def test_a_run_that_finds_nothing_waiting_says_so(dags: Any, site: Any) -> None:
    with site.registry.transaction() as tx:
        tx.drop("releases")
    run = answered(dags, None, "Approve")
    assert run.ended == "success"
    assert run.outcomes == ["no release of walkers_open waits for a decision"]
