"""`refine --stale` trains anew the models that count whoever withdrew, once, on a home of real tables.

Training is plain arithmetic here. The models environment trains anew in tests/dags/test_retraining.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from home_samples import commit_without_spark
from model_people import ROOT, as_everyone
from plain_training import PEOPLE, WALKS, PlainTraining, write_silver

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.site_file import read_site_file
from lakehouse.core.contract import Contracts
from lakehouse.core.lineage import parse_record
from lakehouse.errors import ConsentRefused, NotReady
from lakehouse.pipeline import renewal
from lakehouse.pipeline.consent_decisions import change_consent
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.model_cards import list_cards
from lakehouse.pipeline.predict import example_features, predict
from lakehouse.pipeline.renewal import refine_stale
from lakehouse.pipeline.report import write_report
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import stale_models, stale_versions
from lakehouse.pipeline.status import site_status
from lakehouse.pipeline.train import train
from lakehouse.pipeline.training_rows import choose_rows
from lakehouse.pipeline.versions import require_version

NAME = "pd_screen"


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """Forty people, GaPt00 to GaPt39, in the silver tables of the model that learnt from them."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    site = as_everyone(open_home())
    site = replace(site, models=PlainTraining(site.models))
    write_silver(site, "first")
    train(site, NAME)
    return site


def withdraw(site: Site, person: str) -> None:
    change_consent(site, person, "gaitpdb", "deny", reason="asked by letter")


def under(site: Site, table: str, digest: str) -> Site:
    """Return the site with another contract of a table; everything else as it is."""
    changed = replace(site.contracts.by_table[table], digest=digest)
    return replace(site, contracts=Contracts(by_table={**site.contracts.by_table, table: changed}))


def reasons(site: Site) -> list[str]:
    return [own.because for own in stale_models(site)]


def told(site: Site) -> list[str]:
    """What `status` says is the way out for the model."""
    missing = site_status(site, read_site_file()).missing
    return [own["remedy"] for own in missing if f"the model {NAME} " in own["what"]]


def score(site: Site) -> float:
    return predict(site, NAME, example_features(site, NAME), encrypted=False).score


def test_nothing_is_trained_while_everybody_permits(site: Site) -> None:
    size = site.log.size()
    renewed = refine_stale(site)
    assert (renewed.stale_models, renewed.models, site.log.size()) == ((), (), size)


def test_whoever_withdraws_is_out_of_the_next_model_which_is_trained_once(site: Site) -> None:
    """The model of before answers nothing any more; the run names both, done again it trains nothing."""
    (first,) = list_cards(site)
    withdraw(site, "GaPt03")
    with pytest.raises(ConsentRefused):
        score(site)
    assert (reasons(site), told(site)) == (["consent"], ["livinglab refine --stale"])
    said = refine_stale(site).as_json()
    (model,) = said["models"]  # type: ignore[misc]
    assert said["stale_models"] == [{"name": NAME, "digest": first["digest"], "because": "consent"}]
    assert (model["repeated"], model["why"], said["error"]) == (False, None, None)
    assert site.models.people == [40, 39]  # type: ignore[attr-defined]
    assert [(card["state"], card["digest"]) for card in list_cards(site)] == [
        ("superseded", first["digest"]),
        ("active", model["digest"]),
    ]
    assert parse_record(site.log.entry(model["leaf"])).supersedes == first["leaf"]
    assert 0 < score(site) < 1
    size = site.log.size()
    assert refine_stale(site).models == () and (told(site), site.log.size()) == ([], size)
    assert site.models.people == [40, 39]  # type: ignore[attr-defined]
    assert "GaPt03" not in json.dumps(said) and fsck(site, print).clean


def test_a_renewal_that_forgets_models_would_be_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: with a blind check nothing is trained, and the model goes on refusing."""
    monkeypatch.setattr(renewal, "stale_models", lambda _site: [])
    withdraw(site, "GaPt03")
    assert refine_stale(site).models == ()
    with pytest.raises(ConsentRefused):
        score(site)


def test_too_few_who_permit_make_no_model_and_no_failure(site: Site, tmp_path: Path) -> None:
    """Ten of each group are needed: with nine the model stays refused, and it is said what helps."""
    write_silver(site, "few", people=20)
    train(site, NAME)
    withdraw(site, "GaPt03")
    renewed = refine_stale(site)
    assert [(model.digest, renewed.error) for model in renewed.models] == [(None, None)]
    assert "fewer than 10 consenting people of each group" in str(renewed.models[0].why)
    assert site.models.people == [40, 20]  # type: ignore[attr-defined]
    way_out = "livinglab models retire pd_screen --reason TEXT, or land more people"
    assert told(site)[0].endswith(way_out)
    assert way_out in write_report(site, None, tmp_path / "report").html
    with pytest.raises(ConsentRefused):
        score(site)


def test_without_the_models_environment_the_command_says_so_with_its_exit_code(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the model is left; the rest of the run stands, and set up later the same command trains it."""
    from lakehouse.cli.main import run

    site_file = tmp_path / "site.toml"
    local = (ROOT / "infra" / "sites" / "local.toml").read_text()
    site_file.write_text(local.replace("../..", str(ROOT)).replace("models/.venv", "models/.not-installed"))
    withdraw(site, "GaPt03")
    home = ("--home", str(site.home.path), "--site", str(site_file))
    code = run(["refine", "--stale", *home, "--json"])
    said = json.loads(capsys.readouterr().out)
    (left,) = said["not_renewed"]
    assert (code, said["error"]["code"], said["error"]["remedy"]) == (3, "NOT_READY", "make models")
    assert (left["kind"], left["name"], left["error"]) == ("model", NAME, said["error"])
    assert (said["stale"], said["silver"], said["releases"], said["models"]) == ([], [], [], [])
    run(["status", *home, "--json"])
    missing = json.loads(capsys.readouterr().out)["missing"]
    assert {
        "what": f"the model {NAME} learnt from people who no longer permit it, and answers nothing",
        "remedy": "the models environment is not installed: make models, then livinglab refine --stale",
    } in missing
    assert run(["refine", "--stale", *home]) == 3
    assert "  make models" in capsys.readouterr().out.splitlines()
    assert len(refine_stale(site).models) == 1


def test_a_recipe_that_reads_a_column_which_is_gone_is_told(site: Site) -> None:
    """Gone from the contract: the recipe is to be mended; only from the version: refine has to come first."""
    withdraw(site, "GaPt03")
    gone = replace(
        site.contracts.by_table[WALKS],
        columns=tuple(own for own in site.contracts.by_table[WALKS].columns if own.name != "stride_time_cv"),
    )
    without = replace(site, contracts=Contracts(by_table={**site.contracts.by_table, WALKS: gone}))
    (left,) = refine_stale(without).not_renewed
    assert left.error.message == (
        "pd_screen.toml: feature: reads columns that silver.gait_features has not: stride_time_cv"
    )
    assert told(without)[0].startswith(left.error.message)
    recipe = site.models.recipe(NAME)
    with pytest.raises(NotReady, match=r"gait_people@0 has not all columns of its contract") as unready:
        choose_rows(site, replace(recipe, baseline=(*recipe.baseline, "hoehn_yahr")))
    assert unready.value.remedy == "livinglab refine gait_people"


def test_rows_of_an_earlier_contract_make_a_model_stale_until_it_learns_from_those_there_are(
    site: Site,
) -> None:
    """It goes on answering until then: nobody in it has withdrawn."""
    mended = under(site, WALKS, "f" * 64)
    assert [(own.table, own.because) for own in stale_versions(mended)] == [(WALKS, "contract")]
    assert reasons(mended) == ["input"] and 0 < score(mended) < 1
    write_silver(mended, "under the mended contract")
    assert (stale_versions(mended), reasons(mended)) == ([], ["input"])
    assert [model.repeated for model in refine_stale(mended).models] == [False]
    assert reasons(mended) == [] and refine_stale(mended).models == ()


def test_rows_that_come_out_the_same_under_the_new_contract_leave_the_model_as_it_is(site: Site) -> None:
    """Equal content digests: what it learnt from stands, whatever the contract says besides."""
    mended = under(site, WALKS, "f" * 64)
    with site.registry.transaction() as tx:
        (row,) = tx.many("versions", table_name=WALKS)
        again = {"version": 1, "leaf_index": 10**6, "intent_id": "again", "details": {"contract": "f" * 64}}
        tx.add("versions", **{**row, **again})
    assert (stale_versions(mended), reasons(mended)) == ([], [])


def test_a_contract_of_a_table_behind_the_table_counts_too(site: Site) -> None:
    """Whose run was killed between the two tables finds the second one named."""
    mended = under(site, PEOPLE, "f" * 64)
    assert {(own.table, own.because) for own in stale_versions(mended)} == {
        (PEOPLE, "contract"),
        (WALKS, "input"),
    }
    assert reasons(mended) == ["input"]


def test_more_people_make_nothing_stale(site: Site) -> None:
    """Newer data is no reason to train by itself: whoever wants that says `models train`."""
    write_silver(site, "more", people=44)
    assert require_version(site, WALKS).version == 1
    assert (stale_versions(site), reasons(site)) == ([], [])
    assert not train(site, NAME).repeated
