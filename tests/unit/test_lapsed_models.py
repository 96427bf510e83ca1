"""A model after one of those it learnt from withdraws: it is named, answers nothing, and is trained anew.

Training is plain arithmetic here, in this process: what is tested is who may be learnt from. How Concrete ML
trains stands in test_train_and_predict.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from model_people import as_everyone, with_denial, with_people
from plain_training import PlainTraining

from lakehouse.adapters.site_file import read_site_file
from lakehouse.errors import ConsentRefused
from lakehouse.pipeline import predict as prediction
from lakehouse.pipeline.model_cards import list_cards, show_card
from lakehouse.pipeline.model_registry import retire_model
from lakehouse.pipeline.predict import example_features, predict
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import stale_models
from lakehouse.pipeline.status import site_status
from lakehouse.pipeline.train import TrainedModel, train

NAME = "pd_screen"


@pytest.fixture
def trained(open_home: Callable[..., Site]) -> tuple[Site, TrainedModel]:
    """A site of forty people and the model that learnt from them."""
    site = with_people(as_everyone(open_home()), 40)
    site = replace(site, models=PlainTraining(site.models))
    return site, train(site, NAME)


def lapsed_models(site: Site) -> list[str]:
    return [own.name for own in stale_models(site) if own.because == "consent"]


def score(site: Site) -> float:
    return predict(site, NAME, example_features(site, NAME), encrypted=False).score


def named_in_status(site: Site) -> list[str]:
    missing = site_status(site, read_site_file()).missing
    return [own["remedy"] for own in missing if NAME in own["what"]]


def test_a_model_answers_nothing_from_the_withdrawal_until_it_is_trained_without_the_person(
    trained: tuple[Site, TrainedModel],
) -> None:
    site, first = trained
    assert 0 < score(site) < 1 and lapsed_models(site) == [] and named_in_status(site) == []
    assert show_card(site, NAME)["consents_hold"] is True
    denied = with_denial(site, "GaPt03")
    with pytest.raises(ConsentRefused) as refusal:
        score(denied)
    assert refusal.value.remedy == "livinglab models train pd_screen"
    assert lapsed_models(denied) == [NAME]
    assert named_in_status(denied) == ["livinglab refine --stale"]
    assert show_card(denied, NAME)["consents_hold"] is False
    second = train(denied, NAME)
    assert second.digest != first.digest and denied.models.people == [40, 39]  # type: ignore[attr-defined]
    assert 0 < score(denied) < 1 and lapsed_models(denied) == [] and named_in_status(denied) == []
    assert [(card["state"], card["consents_hold"]) for card in list_cards(denied)] == [
        ("superseded", None),
        ("active", True),
    ]
    assert train(denied, NAME).repeated


def test_too_few_who_still_permit_leave_a_model_that_answers_nothing(
    open_home: Callable[..., Site],
) -> None:
    """Twenty people are just enough; without one of them there is no new model, and the old stays refused."""
    site = with_people(as_everyone(open_home()), 20)
    site = replace(site, models=PlainTraining(site.models))
    train(site, NAME)
    denied = with_denial(site, "GaPt03")
    assert "fewer than 10 consenting people" in str(train(denied, NAME).why)
    with pytest.raises(ConsentRefused):
        score(denied)
    assert lapsed_models(denied) == [NAME]
    assert [told.rpartition(": ")[2] for told in named_in_status(denied)] == [
        "livinglab models retire pd_screen --reason TEXT, or land more people"
    ]
    retire_model(denied, NAME, "too few are left")
    assert lapsed_models(denied) == [] and named_in_status(denied) == []


def test_a_model_of_which_nobody_knows_who_is_in_it_answers_nothing(
    trained: tuple[Site, TrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault that has forgotten the training set is no consent."""
    site, _ = trained
    monkeypatch.setattr(type(site.vault), "cells_of", lambda *_: {})
    with pytest.raises(ConsentRefused):
        score(site)
    assert lapsed_models(site) == [NAME]


def test_a_prediction_that_forgets_consents_would_be_seen(
    trained: tuple[Site, TrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: with a blind check the model of everybody goes on answering."""
    site, _ = trained
    monkeypatch.setattr(prediction, "training_lapsed", lambda *_: False)
    assert 0 < score(with_denial(site, "GaPt03")) < 1
