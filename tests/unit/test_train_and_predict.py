"""train, predict, models: consents, repeats, signatures and refusals, on a lake held in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from model_people import as_everyone, with_denial, with_people
from plain_training import PlainTraining

from lakehouse.adapters.fhe_client import ModelsEnvironment
from lakehouse.adapters.model_store import MODEL_FILES
from lakehouse.cli.models import read_features
from lakehouse.core.actors import Role
from lakehouse.core.lineage import parse_record
from lakehouse.errors import (
    ConsentRefused,
    NotAllowed,
    NotReady,
    NotVerified,
    Refused,
    UnreadableInput,
    WrongUse,
)
from lakehouse.pipeline.model_cards import list_cards, show_card
from lakehouse.pipeline.model_registry import retire_model, verify_model
from lakehouse.pipeline.predict import example_features, predict
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.train import train

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(not (ROOT / "models" / ".venv").exists(), reason="make models"),
]
NAME = "pd_screen"
CARD_FIELDS = {
    "name",
    "features",
    "auc",
    "auc_interval",
    "baseline_auc",
    "split",
    "data_leaf",
    "membership_auc",
    "licence_notice",
    "digest",
}


@dataclass(frozen=True)
class CountingModels:
    """The models environment, counting what it starts."""

    models: ModelsEnvironment
    started: list[str] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.models, name)

    def train(self, recipe, rows):
        self.started.append("train")
        return self.models.train(recipe, rows)

    def predict(self, digest, files, features):
        self.started.append("predict")
        return self.models.predict(digest, files, features)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A site with sixty people and its trained model; tests of this module share it and undo what they do."""
    folder = tmp_path_factory.mktemp("models-site")
    patch = pytest.MonkeyPatch()
    patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    from lakehouse.sites import open_site

    site = as_everyone(open_site(None, folder / "home", create=True))
    site = replace(with_people(site, 60), models=CountingModels(site.models))
    first = train(site, NAME)
    yield site, first
    patch.undo()


def typical(site: Site) -> dict[str, float]:
    return example_features(site, NAME)


def test_the_card_says_what_interface_promises(made):
    """Every field is there; people are rounded, walks are not counted."""
    site, first = made
    card = show_card(site, NAME)
    assert set(card) >= CARD_FIELDS
    assert card["digest"] == first.digest
    assert card["people"] == 60 and card["people_rounded_to"] == 5
    assert card["auc"] > 0.8
    assert card["data_leaf"] == 0
    assert "licence" in card["licence_notice"]
    assert len(card["features"]) == 24
    assert [listed["digest"] for listed in list_cards(site)] == [first.digest]


def test_training_again_returns_the_same_model(made):
    """Same data, consents and recipe: the same digest and leaf, and no process is started."""
    site, first = made
    started, size = list(site.models.started), site.log.size()
    again = train(site, NAME)
    assert (again.digest, again.leaf, again.card) == (first.digest, first.leaf, first.card)
    assert again.repeated and not first.repeated
    assert site.models.started == started and site.log.size() == size


def test_the_leaf_names_the_model_and_no_person(made):
    """People and walks are counted in the private details alone."""
    site, first = made
    record = parse_record(site.log.entry(first.leaf))
    assert record.kind == "model" and record.digests["model"] == first.digest
    assert record.inputs == (0, 1)
    with site.registry.reading() as tx:
        details = tx.one("records", leaf_index=first.leaf)["details"]
    assert details["people"] == 60 and details["walks"] == 120


def test_encrypted_and_clear_predictions_agree(made):
    """The encrypted score is the quantised one; both are near the clear one."""
    site, first = made
    secret = predict(site, NAME, typical(site), encrypted=True).as_json()
    clear = predict(site, NAME, typical(site), encrypted=False).as_json()
    assert secret["encrypted"] is True and secret["agreement"] is True
    assert clear["encrypted"] is False and clear["agreement"] is None
    assert abs(secret["score"] - clear["score"]) < 0.05
    assert secret["model"] == {
        "name": NAME,
        "digest": first.digest,
        "leaf": first.leaf,
        "signature_checked": True,
    }


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_tampered_file_is_refused_before_any_process_starts(made, name):
    """A compiled circuit is code: nothing opens it, nothing loads it; mended, it serves again."""
    site, first = made
    path = site.home.place("models", NAME, first.digest, name)
    genuine = path.read_bytes()
    started = list(site.models.started)
    path.write_bytes(genuine[:-1] + bytes([genuine[-1] ^ 1]))
    try:
        with pytest.raises(NotVerified, match=name):
            predict(site, NAME, typical(site), encrypted=True)
        assert site.models.started == started
        assert verify_model(site, NAME).verified is False
        assert list_cards(site)[0]["verified"] is False
    finally:
        path.write_bytes(genuine)
    assert verify_model(site, NAME).verified is True


def test_a_model_that_was_never_logged_is_refused(made):
    """The signature is genuine, the registry's row names another leaf."""
    site, first = made
    key = {"name": NAME, "digest": first.digest}
    for leaf in (first.leaf + 1, 10**6):
        with site.registry.transaction() as tx:
            tx.change("models", key, leaf_index=leaf)
        try:
            with pytest.raises(NotVerified, match="leaf"):
                predict(site, NAME, typical(site), encrypted=False)
            assert verify_model(site, NAME).checks[0].ok is False
        finally:
            with site.registry.transaction() as tx:
                tx.change("models", key, leaf_index=first.leaf)


def test_roles(made):
    """Engineers train, analysts predict, auditors only read cards."""
    site, _ = made
    engineer, analyst, auditor = (
        replace(site, actor=replace(site.actor, roles=frozenset({role})))
        for role in (Role.ENGINEER, Role.ANALYST, Role.AUDITOR)
    )
    with pytest.raises(NotAllowed):
        train(analyst, NAME)
    with pytest.raises(NotAllowed):
        predict(auditor, NAME, {}, encrypted=False)
    with pytest.raises(NotAllowed):
        retire_model(analyst, NAME, "no reason of mine")
    assert train(engineer, NAME).repeated
    assert predict(analyst, NAME, typical(site), encrypted=False).score > 0
    assert show_card(auditor, NAME)["auc"] > 0.8


def test_input_that_does_not_fit_is_unreadable(made):
    """Before any process is started."""
    site, _ = made
    started = list(site.models.started)
    with pytest.raises(UnreadableInput, match="missing 24 features"):
        predict(site, NAME, {})
    with pytest.raises(UnreadableInput, match="not a JSON object"):
        predict(site, NAME, [1.0])
    assert site.models.started == started


def test_nothing_of_training_stays(made, tmp_path_factory):
    """No pseudonym and no value of a walk lies in the model's folder."""
    site, first = made
    subjects = site.lake.tables["silver.gait_features"].column("subject").to_pylist()
    content = b"".join(path.read_bytes() for path in site.home.place("models").rglob("*") if path.is_file())
    assert not any(subject.encode() in content for subject in set(subjects))
    assert [path.name for path in site.home.place("models", NAME).iterdir()] == [first.digest]


def test_a_withdrawn_consent_ends_the_use_of_a_model(open_home: Callable[..., Site]):
    """The message says how to go on, not who; the next model is made without them, then retired."""
    site = with_people(as_everyone(open_home()), 40)
    first = train(replace(site, models=PlainTraining(site.models)), NAME)
    site = with_denial(site, "GaPt03")
    with pytest.raises(ConsentRefused) as refusal:
        predict(site, NAME, typical(site), encrypted=False)
    assert refusal.value.remedy == "livinglab models train pd_screen"
    second = train(site, NAME)
    assert second.digest != first.digest
    assert [row["state"] for row in list_cards(site)] == ["superseded", "active"]
    predict(site, NAME, typical(site), encrypted=True)
    keys = Path(site.models._keys)
    assert any(keys.rglob("secretKey*"))

    row = retire_model(site, NAME, "new insoles")
    assert (row["digest"], row["state"]) == (second.digest, "retired")
    assert not any(keys.rglob("secretKey*"))
    with pytest.raises(Refused, match="retired"):
        predict(site, NAME, typical(site))
    assert train(site, NAME).as_json()["digest"] is None
    assert "retired" in train(site, NAME).why
    assert retire_model(site, NAME, "again")["state"] == "retired"
    assert verify_model(site, NAME).verified


def test_too_few_people_is_a_result(open_home: Callable[..., Site]):
    """It says why, not how many there are, and starts nothing."""
    site = with_people(as_everyone(open_home()), 18)
    site = replace(site, models=CountingModels(site.models))
    result = train(site, NAME)
    assert result.digest is None and "fewer than 10 consenting people" in result.why
    assert site.models.started == []
    with pytest.raises(NotReady) as refusal:
        predict(site, NAME, {})
    assert refusal.value.remedy == "livinglab models train pd_screen"


def test_an_empty_home_has_nothing_to_train_on(open_home: Callable[..., Site]):
    """It says what is missing; a name without a recipe is wrong use."""
    site = as_everyone(open_home())
    with pytest.raises(NotReady, match=r"silver\.gait_features has no version"):
        train(site, NAME)
    with pytest.raises(WrongUse):
        predict(site, "nobody", {})
    assert list_cards(site) == []


def test_units_are_those_of_the_silver_contract(open_home: Callable[..., Site]):
    """One unit a feature, wherever it is written."""
    site = open_home()
    contract = site.contracts.find("silver.gait_features")
    for feature in site.models.recipe(NAME).features:
        column = contract.column(feature.name)
        assert column is not None and column.unit == feature.unit, feature.name
        assert column.bounds is None or column.bounds[0] <= feature.low < feature.high <= column.bounds[1]


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a": 2}', "\xff", "[" * 100_000])
def test_an_input_file_that_is_no_json_is_unreadable(tmp_path, text):
    """Neither its name nor its text is shown."""
    path = tmp_path / "GaPt03.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UnreadableInput) as refusal:
        read_features(path)
    assert "GaPt03" not in json.dumps(refusal.value.as_json())


def test_a_missing_input_file_is_unreadable(tmp_path):
    """Its name may be an identity, so it is not repeated."""
    with pytest.raises(UnreadableInput, match="cannot be read"):
        read_features(tmp_path / "GaPt03.json")


def test_the_command_line(made, tmp_path, capsys):
    """Cards, checks and scores as documents, and the exit code of each refusal."""
    from lakehouse.cli.main import run

    site, first = made
    features, server = tmp_path / "f.json", site.home.place("models", NAME, first.digest, "server.zip")

    def said(*arguments: str) -> tuple[int, dict]:
        code = run([*arguments, "--home", str(site.home.path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    assert said("models")[1]["models"][0]["digest"] == first.digest
    assert set(said("models", "show", NAME)[1]) >= CARD_FIELDS
    assert said("models", "example", NAME, "-o", str(features)) == (
        0,
        {"file": str(features), "features": 24},
    )
    code, score = said("predict", NAME, "--input", str(features))
    assert code == 0 and 0 < score["score"] < 1
    features.write_text('{"stride_time_s": "1.0987654321"}')
    code, refusal = said("predict", NAME, "--input", str(features))
    assert code == 2 and "1.0987654321" not in json.dumps(refusal)
    genuine = server.read_bytes()
    server.write_bytes(genuine + b" ")
    try:
        code, checked = said("models", "verify", NAME)
        assert code == 5 and checked["verified"] is False
    finally:
        server.write_bytes(genuine)
    assert said("models", "verify", NAME) == (0, verify_model(site, NAME).as_json())
    assert said("models", "retire", "nobody", "--reason", "x")[0] == 2
