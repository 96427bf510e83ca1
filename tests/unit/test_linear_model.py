"""A logistic model as numbers: hand-computed scores, integers and refusals."""

import dataclasses
import math

import pytest

from lakehouse.core.linear_model import LinearModel, ModelFeature, Quantisation
from lakehouse.errors import Damaged, UnreadableInput

MODEL = LinearModel(
    name="two",
    clip=4.0,
    intercept=0.5,
    features=(
        ModelFeature(name="a", unit="s", low=0, high=2, mean=1.0, scale=0.5),
        ModelFeature(name="b", unit="1", low=0, high=1, mean=0.0, scale=2.0),
    ),
    coefficients=(1.0, -2.0),
    quantisation=Quantisation(
        bits=8,
        input_scale=0.5,
        input_zero=1,
        weights=(3, -4),
        weight_zero=2,
        bias=10,
        output_scale=0.1,
        output_zero=5,
    ),
)


def test_clear_score_is_the_logistic_of_the_weighed_standardised_features():
    """a: (2-1)/0.5 = 2, b: 1/2 = 0.5, so 1*2 - 2*0.5 + 0.5 = 1.5."""
    assert MODEL.score({"a": 2.0, "b": 1.0}) == pytest.approx(1 / (1 + math.exp(-1.5)))


def test_standardised_features_are_clipped():
    """An input far out counts as four deviations, so that the circuit can never overflow."""
    assert MODEL.standardise({"a": 1e12, "b": -1e12}) == (4.0, -4.0)


def test_quantised_score_by_hand():
    """Inputs (2, 0.5) become (5, 2); 5*3 - 2*4 - 2*(5+2) + 10 = 3; 0.1 * (3 - 5) = -0.2."""
    quantised = MODEL.quantisation.quantise((2.0, 0.5))
    assert quantised == (5, 2)
    assert MODEL.quantisation.output(quantised) == 3
    assert MODEL.quantisation.probability(3) == pytest.approx(1 / (1 + math.exp(0.2)))


def test_integers_stay_within_their_bits():
    """8 signed bits hold -128 to 127."""
    assert MODEL.quantisation.quantise((1e6, -1e6)) == (127, -128)


def test_a_document_round_trips():
    """What is written is what is read."""
    assert LinearModel.from_document(MODEL.as_document()) == MODEL


@pytest.mark.parametrize(
    "change",
    [{"schema": "other"}, {"coefficients": [1.0]}, {"features": []}, {"extra": 1}, {"quantisation": {}}],
)
def test_a_document_of_another_shape_is_damage(change):
    """Missing, foreign and contradicting fields have one error."""
    with pytest.raises(Damaged):
        LinearModel.from_document({**MODEL.as_document(), **change})


def test_no_document_at_all_is_damage():
    """A list is no model."""
    with pytest.raises(Damaged):
        LinearModel.from_document([])


@pytest.mark.parametrize("value", [None, "1.0", True, math.nan, math.inf, 10**400, [1]])
def test_a_value_that_is_no_finite_number_is_refused_by_its_name(value):
    """The message names the feature and never shows the value."""
    with pytest.raises(UnreadableInput, match="feature 'b' is not a") as refusal:
        MODEL.check_input({"a": 1, "b": value})
    assert refusal.value.facts == {"feature": "b"}
    assert "1.0" not in refusal.value.message


def test_missing_and_unknown_features_are_refused():
    """Missing ones are named; unknown ones are counted, as their names could be anything."""
    with pytest.raises(UnreadableInput, match="missing 1 feature: b"):
        MODEL.check_input({"a": 1})
    with pytest.raises(UnreadableInput, match="1 of 3 fields are no feature") as refusal:
        MODEL.check_input({"a": 1, "b": 2, "Jane Doe": 3})
    assert "Jane" not in str(refusal.value.as_json())


def test_whole_numbers_are_numbers():
    """JSON writes 1 for 1.0."""
    assert MODEL.check_input({"a": 1, "b": 2}) == {"a": 1.0, "b": 2.0}


def test_the_model_is_frozen():
    """Nobody changes a model that was checked."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        MODEL.clip = 1.0  # type: ignore[misc]
