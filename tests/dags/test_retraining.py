"""A model trained anew by Airflow, in the models environment, after one of its people has withdrawn."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import airflow_homes
import pytest

from tests.unit.home_samples import commit_without_spark
from tests.unit.model_people import ROOT
from tests.unit.plain_training import PlainTraining, write_silver

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.models,
    pytest.mark.skipif(not (ROOT / "models" / ".venv").exists(), reason="make models"),
]
NAME = "pd_screen"


@pytest.fixture(scope="module")
def renewals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Forty people and their model; one withdraws; the DAG runs without the environment, with it, again."""
    from lakehouse.adapters.delta_tables import DeltaLake
    from lakehouse.pipeline.consent_decisions import change_consent
    from lakehouse.pipeline.train import train
    from lakehouse.sites import open_site

    local = ROOT / "infra" / "sites" / "local.toml"
    with (
        pytest.MonkeyPatch.context() as patch,
        airflow_homes.tested_airflow().in_force("home-models") as home,
    ):
        patch.setenv("LIVINGLAB_SITE", str(local))
        patch.setattr(DeltaLake, "commit", commit_without_spark)
        site = open_site(local, home, create=True)
        write_silver(site, "first")
        first = train(replace(site, models=PlainTraining(site.models)), NAME)
        change_consent(site, "GaPt03", "gaitpdb", "deny", reason="asked by letter")
        bare = local.read_text().replace("../..", str(ROOT)).replace("models/.venv", "models/.not-installed")
        unready = tmp_path_factory.mktemp("site") / "unready.toml"
        unready.write_text(bare)
        patch.setenv("LIVINGLAB_SITE", str(unready))
        without = renew()
        patch.setenv("LIVINGLAB_SITE", str(local))
        made = renew()
        size = site.log.size()
        again = renew()
        yield SimpleNamespace(
            site=site, first=first, without=without, made=made, again=again, grown=site.log.size() - size
        )


def renew():
    """Run `refine_stale` to its end in this process."""
    from airflow.dag_processing.dagbag import DagBag

    from livinglab_airflow.dag_runs import run_dag

    return run_dag(DagBag(str(ROOT / "dags" / "maintenance.py")).dags["refine_stale"], {})


def test_without_the_models_environment_only_the_training_fails_and_says_what_helps(renewals):
    without = renewals.without
    assert (without.success, without.results["renew"], "retrain" in without.results) == (False, [[]], False)
    assert (without.refusal["code"], without.refusal["remedy"]) == ("NOT_READY", "make models")


def test_the_model_is_trained_without_whoever_withdrew_and_answers_again(renewals):
    """What goes through XCom is the model's name and digest, never its card or a person."""
    from lakehouse.pipeline.predict import example_features, predict

    made, site = renewals.made, renewals.site
    (trained,) = made.results["retrain"]
    assert made.success and made.results["find_models"] == [[NAME]]
    assert trained == {**trained, "name": NAME, "repeated": False, "why": None}
    assert trained["digest"] != renewals.first.digest and "features" not in trained
    answer = predict(site, NAME, example_features(site, NAME), encrypted=False)
    assert answer.digest == trained["digest"]


def test_another_run_finds_nothing_and_trains_nothing(renewals):
    assert (renewals.again.success, renewals.again.results, renewals.grown) == (True, {}, 0)
