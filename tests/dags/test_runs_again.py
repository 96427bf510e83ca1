"""Clear, Backfill and a renewal through Airflow on real Delta: the same again, and nothing doubled."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import airflow_homes
import pytest
from dag_database import everything_airflow_keeps, run_to_end, sync_dags

pytestmark = [pytest.mark.airflow, pytest.mark.spark]

PEOPLE = 24
FILE = "P007-of-anatol.csv"
TEXT = "person_id,name,steps\n" + "".join(
    f"P{number:03},Anatol Canary {number},{100 if number % 2 else 9000}\n" for number in range(PEOPLE)
)


@pytest.fixture(scope="module", autouse=True)
def airflow_home() -> Iterator[Path]:
    """A home of its own in the Airflow of the tests."""
    from livinglab_airflow.contracts import site_contracts

    with airflow_homes.tested_airflow().in_force("home-again") as home:
        site_contracts.cache_clear()
        yield home
        site_contracts.cache_clear()


@pytest.fixture(scope="module")
def site(airflow_home):
    from lakehouse.sites import open_site

    return open_site(airflow_home.parent / "site.toml", airflow_home, create=True)


@pytest.fixture(scope="module")
def dags(airflow_home):
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.settings import PROJECT

    sync_dags()
    return DagBag(str(PROJECT / "dags")).dags


@pytest.fixture(scope="module")
def first(site, dags):
    """A file taken in, refined and published by two DAG runs, and the state of the site after that."""
    from livinglab_airflow.dag_runs import run_dag

    early = run_dag(dags["publish_walkers_open"], {})
    drop(site)
    source = run_dag(dags["source_walkers"], {})
    product = run_dag(dags["publish_walkers_open"], {})
    assert (source.success, product.success) == (True, True)
    assert product.results["publish"][0]["state"] == "PUBLISHED"
    return SimpleNamespace(early=early, source=source, product=product, state=state_of(site))


def drop(site, name=FILE, text=TEXT):
    folder = site.home.place("landing", "walkers")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def state_of(site):
    """Versions, leaves, releases and what stands in gold: what must not change by doing things again."""
    with site.registry.reading() as tx:
        versions = [
            (row["table_name"], row["version"], row["content_digest"])
            for row in tx.many("versions", order="leaf_index")
        ]
        releases = [(row["release_id"], row["state"]) for row in tx.many("releases", order="created_at")]
    return site.log.size(), versions, releases


def results(run, task):
    from livinglab_airflow.dag_runs import returned_values

    return returned_values(run.dag_id, run.run_id).get(task)


def clear(dag_id, run_id, tasks=None):
    """Clear a run or some of its tasks, as the button does."""
    from airflow.models.dagbag import DBDagBag
    from airflow.utils.session import create_session

    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
        dag.clear(run_id=run_id, task_ids=tasks, session=session)


def test_a_product_waits_for_the_last_of_its_tables(first):
    """One table wakes it while another is still to come: that is no failure."""
    assert first.early.success
    assert set(states(first.early).values()) == {"skipped"}


def test_a_cleared_run_whose_files_are_taken_in_confirms_what_there_is(first, site, dags):
    clear("source_walkers", first.source.run_id)

    assert run_to_end(dags["source_walkers"], first.source.run_id) == "success"
    assert [table["repeated"] for table in results(first.source, "refine")[0]] == [True]
    assert state_of(site) == first.state


def test_a_cleared_task_finds_its_files_taken_in_and_is_skipped(first, site, dags):
    """Landing deletes files once their version is signed: nothing lies there, nothing is wrong."""
    drop(site)
    run = again(dags["source_walkers"])
    clear("source_walkers", run.run_id, ["land"])

    assert run_to_end(dags["source_walkers"], run.run_id) == "success"
    assert states(run)["land"] == "skipped"
    assert state_of(site) == first.state


def test_a_cleared_release_is_the_release_there_is(first, site, dags):
    clear("publish_walkers_open", first.product.run_id)

    assert run_to_end(dags["publish_walkers_open"], first.product.run_id) == "success"
    assert results(first.product, "publish")[0]["repeated"]
    assert state_of(site) == first.state


def test_a_backfill_of_three_days_takes_in_once_and_confirms_twice(first, site, dags):
    drop(site, "more.csv", "person_id,name,steps\nP900,Another Person,50\n")
    size = site.log.size()
    runs = backfilled("source_walkers")
    ended = [run_to_end(dags["source_walkers"], run.run_id) for run in runs]

    assert ended == ["success"] * 3
    assert [(results(run, "land") or [None])[0] is not None for run in runs] == [True, False, False]
    assert [results(run, "refine")[0][0]["repeated"] for run in runs] == [False, True, True]
    assert site.log.size() == size + 2


def test_a_product_has_no_schedule_and_airflow_refuses_its_backfill(first):
    from airflow.models.backfill import DagNonPeriodicScheduleException

    with pytest.raises(DagNonPeriodicScheduleException):
        backfilled("publish_walkers_open")


def test_a_dry_run_counts_files_and_writes_nothing(first, site, dags):
    drop(site, "later.csv", "person_id,name,steps\nP901,One More,50\n")
    before = state_of(site)
    run = again(dags["source_walkers"], {"dry_run": True})
    found = found_files(run)
    site.home.place("landing", "walkers", "later.csv").unlink()

    assert run.success
    assert found == {"landing": 1}
    assert state_of(site) == before
    assert {states(run)[task] for task in ("land", "refine")} == {"skipped"}


def test_a_changed_contract_is_renewed_with_the_release_that_reads_it(first, site, dags, airflow_home):
    """By the DAG: a dry run finds, a run makes anew and tells the assets, another repeats.

    The release has one person more than the one before it, from the backfill, so that it is not published.
    """
    from lakehouse.pipeline.stale import stale_versions
    from livinglab_airflow.sites import opened_site

    contract = airflow_home.parent / "expectations" / "silver" / "walkers.toml"
    contract.write_text(contract.read_text().replace("revision = 1", "revision = 2"))
    opened_site.cache_clear()
    before = state_of(site)
    try:
        dry = again(dags["refine_stale"], {"dry_run": True})
        untouched = state_of(site)
        done = again(dags["refine_stale"])
        made = state_of(site)
        repeated = again(dags["refine_stale"])
        left = stale_versions(opened_site(airflow_home.parent / "site.toml", str(airflow_home)))
    finally:
        contract.write_text(contract.read_text().replace("revision = 2", "revision = 1"))
        opened_site.cache_clear()

    assert (dry.success, states(dry)["renew"], untouched) == (True, "skipped", before)
    found = done.results["find_stale"][0]["stale"]
    assert [(own["table"], own["because"]) for own in found] == [
        ("silver.walkers", "contract"),
        ("gold.walkers_open", "input"),
    ]
    assert (done.refusal, states(done)["renew"], states(done)["retrain"]) == (None, "success", "skipped")
    assert [own["repeated"] for own in done.results["renew"][0]] == [False]
    (released,) = done.results["republish"]
    assert (released["product"], released["repeated"], released["state"] == "PUBLISHED") == (
        "walkers_open",
        False,
        False,
    )
    assert renewed_tables(done) >= {"silver.walkers", "gold.walkers_open"}
    assert (repeated.results["renew"], state_of(site)) == ([[]], made)
    assert [own["repeated"] for own in repeated.results["republish"]] == [True]
    assert [(own.table, own.because) for own in left] == [("gold.walkers_open", "input")]


def test_what_a_mended_contract_accepts_comes_in_by_the_dag(first, site, dags, airflow_home):
    """A dry run counts; a reason there never was is refused; done again, nothing is doubled."""
    from livinglab_airflow.sites import opened_site

    drop(site, "aside.csv", "person_id,name,steps\nP950,Back Wards,-5\nP951,Sound Walker,70\n")
    assert again(dags["source_walkers"]).success
    contract = airflow_home.parent / "expectations" / "bronze" / "walkers.toml"
    kept, before, retry = contract.read_text(), state_of(site), dags["retry_quarantine"]
    contract.write_text(kept.replace("minimum = 0", "minimum = -10"))
    opened_site.cache_clear()
    try:
        dry = again(retry, {"dataset": "walkers", "dry_run": True})
        untouched = state_of(site)
        wrong = again(retry, {"dataset": "walkers", "reason": "not_a_date"})
        done = again(retry, {"dataset": "walkers", "reason": "out_of_range"})
        nothing = again(retry, {"dataset": "walkers", "reason": "out_of_range"})
    finally:
        contract.write_text(kept)
        opened_site.cache_clear()

    assert (dry.results["find_set_aside"], states(dry)["retry"], untouched) == ([1], "skipped", before)
    assert (wrong.success, wrong.refusal["code"], wrong.refusal["reasons"]) == (
        False,
        "WRONG_USE",
        ["out_of_range"],
    )
    (retried,) = done.results["retry"]
    assert (retried["passed"], retried["still"], retried["repeated"]) == (1, 0, False)
    assert renewed_tables(done) == {"bronze.walkers", "silver.walkers"}
    assert states(nothing) == {"find_set_aside": "skipped", "retry": "skipped"}


def test_settling_the_log_writes_nothing(first, site, dags):
    before = state_of(site)

    assert again(dags["settle_log"]).success
    assert state_of(site) == before


def test_a_missed_deadline_becomes_an_alert(first, site):
    """As Airflow calls it: with the run's facts, through the path that the DAG's deadline names."""
    from airflow._shared.module_loading import import_string

    from lakehouse.pipeline.alerts import firing_alerts
    from livinglab_airflow.deadlines import ends_within

    called = import_string(ends_within(1).callback.path)
    for _ in range(2):
        called(context={"dag_run": {"dag_id": "source_walkers", "dag_run_id": first.source.run_id}})

    assert [alert.about for alert in firing_alerts(site) if alert.name == "missed_deadline"] == [
        "source_walkers"
    ]


def test_catalogues_were_told_of_every_write_as_it_happened(first, site):
    from lakehouse.pipeline.lineage import site_events

    assert told(site) == list(site_events(site))


def test_nobody_stands_in_what_airflow_and_catalogues_keep(first, site, airflow_home):
    """After a watched, repeated, cleared, renewed and late run: no value, identifier or file name."""
    seen = everything_airflow_keeps(airflow_home.parent / "home") + json.dumps(told(site))

    assert "source_walkers" in seen
    assert [word for word in ("Anatol", "P007", "P900", "P950", FILE, "more.csv") if word in seen] == []


def told(site):
    """What the lineage file says of this home; the homes of other tests write there too."""
    lines = site.lineage.file.read_text().splitlines()
    own = f"livinglab://{site.home.origin}"
    return [event for event in map(json.loads, lines) if event["job"]["namespace"] == own]


def again(dag, conf=None):
    """Run a DAG as it is read anew: a run's values stay in the fields of the form that it was given."""
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.dag_runs import run_dag

    return run_dag(DagBag(dag.fileloc).dags[dag.dag_id], conf or {})


def backfilled(dag_id):
    """Ask Airflow for a backfill of three days; returns its runs in order."""
    from airflow.models.backfill import Backfill, ReprocessBehavior, _create_backfill
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    made = _create_backfill(
        dag_id=dag_id,
        from_date=datetime(2026, 11, 10, tzinfo=UTC),
        to_date=datetime(2026, 11, 12, 23, tzinfo=UTC),
        max_active_runs=1,
        reverse=False,
        dag_run_conf={},
        triggering_user_name="engineer",
        reprocess_behavior=ReprocessBehavior.NONE,
    )
    with create_session() as session:
        session.get(Backfill, made.id).completed_at = datetime.now(UTC)
        chosen = select(DagRun).where(DagRun.backfill_id == made.id).order_by(DagRun.logical_date)
        return [
            SimpleNamespace(dag_id=run.dag_id, run_id=run.run_id) for run in session.scalars(chosen).all()
        ]


def states(run):
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    chosen = select(TaskInstance.task_id, TaskInstance.state).where(TaskInstance.run_id == run.run_id)
    with create_session() as session:
        return {task: str(state) for task, state in session.execute(chosen)}


def found_files(run):
    from livinglab_airflow.dag_runs import returned_values
    from livinglab_airflow.tasks import FOUND_KEY

    return returned_values(run.dag_id, run.run_id, FOUND_KEY)["find_batches"][0]


def renewed_tables(run):
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    chosen = select(AssetModel.name).join(AssetEvent, AssetModel.id == AssetEvent.asset_id)
    with create_session() as session:
        return set(session.scalars(chosen.where(AssetEvent.source_run_id == run.run_id)))
