"""A source DAG run through Airflow on real Delta: what it takes in, and what it leaves behind."""

import pytest
from dag_database import everything_airflow_keeps

pytestmark = [pytest.mark.airflow, pytest.mark.spark]

CANARY = "Rosamunde Kanarienvogel"
FILE = "P001-of-rosamunde.csv"
TEXT = f"person_id,name,steps\nP001,{CANARY},4711008150\nP002,Another Person,12\nP03,Wrong Id,5\n"


@pytest.fixture(scope="module")
def site(airflow_home):
    from lakehouse.sites import open_site

    return open_site(airflow_home.parent / "site.toml", airflow_home, create=True)


@pytest.fixture(scope="module")
def runs(site):
    """The source DAG run twice on the same file, which comes into the drop zone each time."""
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.dag_runs import run_dag
    from livinglab_airflow.settings import PROJECT

    dag = DagBag(str(PROJECT / "dags")).dags["source_walkers"]
    made = []
    for _ in range(2):
        folder = site.home.place("landing", "walkers")
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_text(TEXT)
        made.append(run_dag(dag, {}))
    return made


def test_a_run_lands_and_refines_what_lies_in_the_drop_zone(runs, site):
    landed, refined = runs[0].results["land"][0], runs[0].results["refine"][0]

    assert runs[0].success
    assert (landed["received"], landed["accepted"], landed["quarantined"]) == (3, 2, 1)
    assert landed["reasons"] == {"id_not_canonical": 1}
    assert [table["table"] for table in refined] == ["silver.walkers"]
    assert not list(site.home.place("landing").rglob("*.csv"))


def test_the_same_file_again_gives_the_same_version(runs):
    first, second = (run.results["land"][0] for run in runs)

    assert second["repeated"]
    assert {**second, "repeated": False} == first


def test_a_mapped_task_is_named_by_data_set_and_batch(runs):
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    chosen = select(TaskInstance.rendered_map_index).where(
        TaskInstance.run_id == runs[0].run_id, TaskInstance.task_id == "land"
    )
    with create_session() as session:
        assert session.scalars(chosen).all() == ["walkers: landing"]


def test_the_asset_event_of_a_table_says_version_rows_and_leaf(runs):
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    chosen = select(AssetEvent.extra).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
    with create_session() as session:
        events = session.scalars(chosen.where(AssetModel.name == "silver.walkers")).all()

    assert [event["version"] for event in events] == [0, 0]
    assert {name: events[0][name] for name in ("rows", "repeated")} == {"rows": 2, "repeated": False}
    assert isinstance(events[0]["leaf"], int)


def test_records_name_the_run_that_wrote_them(runs, site):
    from livinglab_airflow.receipts import receipt_page

    receipt = receipt_page(site, runs[0].dag_id, runs[0].run_id)

    assert {line["table"] for line in receipt.lines} >= {"bronze.walkers", "silver.walkers"}
    assert receipt_page(site, runs[1].dag_id, runs[1].run_id).lines == []


def test_neither_value_nor_file_name_is_in_airflows_database_or_logs(runs, airflow_home):
    seen = everything_airflow_keeps(airflow_home)

    assert [word for word in (CANARY, "4711008150", "P001", FILE) if word in seen] == []


def test_the_search_would_find_a_value_in_an_xcom(runs, airflow_home):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(XComModel).filter_by(run_id=runs[0].run_id, task_id="find_batches").update(
            {"value": CANARY}
        )

    assert CANARY in everything_airflow_keeps(airflow_home)
