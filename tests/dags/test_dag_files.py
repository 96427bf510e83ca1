"""DAG files are wiring only, and every DAG comes from a contract."""

import ast
from pathlib import Path

import pytest
from airflow_homes import write_contracts

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"
HEAVY = {"pandas", "pyspark", "polars", "pyarrow", "numpy", "presidio_analyzer", "opendp"}

OF_WALKERS = {"source_walkers", "publish_walkers_open", "approve_walkers_open"}

pytestmark = pytest.mark.airflow


def load_dags():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(DAGS))


def test_every_dag_file_loads_without_an_error(expectations):
    bag = load_dags()

    assert bag.import_errors == {}
    assert set(bag.dags) == {*OF_WALKERS, "refine_stale", "retry_quarantine", "settle_log", "tell_alerts"}


def test_a_new_contract_is_a_new_dag(expectations):
    write_contracts(expectations, "runners", gold=False)
    try:
        bag = load_dags()
    finally:
        for layer in ("bronze", "silver"):
            (expectations / layer / "runners.toml").unlink()

    assert "source_runners" in bag.dags
    assert bag.dags["source_runners"].task_ids == ["find_batches", "land", "refine"]


def test_a_broken_contract_is_an_import_error_that_names_file_and_key(expectations):
    broken = expectations / "bronze" / "broken.toml"
    broken.write_text('layer = "bronze"\nname = "broken"\n')
    try:
        errors = load_dags().import_errors
    finally:
        broken.unlink()

    assert "bronze/broken.toml" in errors[str(DAGS / "sources.py")]


def test_a_product_runs_when_a_table_it_reads_has_changed(expectations):
    publish = load_dags().dags["publish_walkers_open"]

    assert {asset.name for asset in publish.timetable.asset_condition.objects} == {"silver.walkers"}


def test_publish_never_waits_and_the_approval_has_a_dag_of_its_own(expectations):
    from airflow.providers.standard.operators.hitl import HITLOperator

    bag = load_dags()
    waiting = {
        dag_id: [task.task_id for task in dag.tasks if isinstance(task, HITLOperator)]
        for dag_id, dag in bag.dags.items()
        if dag_id in OF_WALKERS
    }

    assert waiting == {
        "source_walkers": [],
        "publish_walkers_open": [],
        "approve_walkers_open": ["ask_the_dpo"],
    }


def test_only_the_dpo_is_asked(expectations):
    asked = load_dags().dags["approve_walkers_open"].get_task("ask_the_dpo")

    assert [user["name"] for user in asked.assigned_users] == ["dpo"]
    assert asked.defaults is None
    assert asked.response_timeout is None


@pytest.mark.parametrize("file", sorted(DAGS.glob("*.py")), ids=lambda file: file.name)
def test_a_dag_file_is_wiring_only(file):
    text = file.read_text(encoding="utf-8")
    imported = {name.partition(".")[0] for name in imported_modules(text)}

    assert len(text.splitlines()) <= 60
    assert not imported & HEAVY
    assert not any(isinstance(node, ast.If | ast.While) for node in ast.walk(ast.parse(text)))


def test_the_engine_runs_one_task_at_a_time(expectations):
    bag = load_dags()
    verbs = [
        task
        for dag in bag.dags.values()
        for task in dag.tasks
        if task.task_id in {"land", "refine", "publish", "renew", "republish", "retrain"}
    ]

    assert {task.pool for task in verbs} == {"spark"}


def test_the_demo_runs_sources_before_products_and_no_approval():
    from livinglab_airflow.run_demo import demo_order

    dags = ["approve_a", "publish_a", "publish_gait_by_cohort", "source_new", "source_ehr", "source_consents"]

    assert demo_order(dags) == [
        "source_consents",
        "source_ehr",
        "source_new",
        "publish_gait_by_cohort",
        "publish_a",
    ]


def imported_modules(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_a_demo_skips_a_product_of_which_no_source_was_landed(open_home, monkeypatch) -> None:
    """A source folder may hold one publisher: its products are made, the others are named and left out."""
    from livinglab_airflow.run_demo import missing_of

    monkeypatch.delenv("LIVINGLAB_SITE", raising=False)
    monkeypatch.setenv("LIVINGLAB_HOME", str(open_home().home.path))
    assert missing_of("publish_conditions_by_age") == "silver.patients"
    assert missing_of("source_ehr") is None


def test_every_dag_has_a_runbook_an_owner_tags_and_a_deadline(expectations):
    bare = {
        dag_id
        for dag_id, dag in load_dags().dags.items()
        if not (dag.doc_md and dag.tags and dag.deadline and dag.owner in {"engineer", "dpo"})
    }

    assert bare == set()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"source": "people/gaitpdb"}, "does not match '^/'"),
        ({"source": 7}, "is not of type"),
        ({"version": -1}, "-1 is less than the minimum of 0"),
        ({"dry_run": "no"}, "is not of type 'boolean'"),
    ],
)
def test_a_trigger_form_refuses_what_its_schema_does_not_allow(expectations, said, message):
    """As the form and the REST API check it: against the DAG that the database keeps."""
    from airflow.exceptions import ParamValidationError
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(load_dags().dags["source_walkers"]))

    with pytest.raises(ParamValidationError, match=message.replace("^", r"\^")):
        dag.params.deep_merge(said).validate()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "No value passed"),
        ({"dataset": "runners"}, "'runners' is not one of"),
        ({"dataset": "walkers", "batch": 0}, "0 is less than the minimum of 1"),
        ({"dataset": "walkers", "reason": "for Anna"}, "does not match"),
    ],
)
def test_the_form_of_a_retry_wants_a_data_set_there_is(expectations, said, message):
    from airflow.exceptions import ParamValidationError
    from airflow.serialization.serialized_objects import DagSerialization

    dag = DagSerialization.deserialize_dag(
        DagSerialization.serialize_dag(load_dags().dags["retry_quarantine"])
    )
    form = dag.params.deep_merge(said)

    with pytest.raises(ParamValidationError, match=message):
        form.validate()
    assert dag.params.deep_merge({"dataset": "walkers", "reason": "out_of_range"}).validate()


def test_every_field_of_a_trigger_form_has_a_section_and_an_explanation(expectations):
    bare = {
        (dag_id, name)
        for dag_id, dag in load_dags().dags.items()
        for name in dag.params
        if not {"section", "description_md", "title"} <= dag.params.get_param(name).schema.keys()
    }

    assert bare == set()


def test_a_source_dag_runs_when_files_come_and_every_night(expectations):
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.assets import AssetOrTimeSchedule

    timetable = coerce_to_core_timetable(load_dags().dags["source_walkers"].timetable)

    assert isinstance(timetable, AssetOrTimeSchedule)
    assert [key.name for key, _ in timetable.asset_condition.iter_assets()] == ["landing.walkers"]
    assert timetable.periodic
