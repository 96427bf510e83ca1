"""models/pd_screen.toml: read by both environments, refused where it is wrong."""

import tomllib
from pathlib import Path

import pytest

from lakehouse.core.model_recipe import parse_recipe
from lakehouse.errors import ContractError
from lakehouse.methods.gait_measures import FEATURE_NAMES

RECIPE = Path(__file__).parents[2] / "models" / "pd_screen.toml"


def parsed(text: bytes):
    return parse_recipe(tomllib.loads(text.decode()), text, "pd_screen.toml")


def test_the_recipe_names_the_features_that_refine_computes():
    """A feature that nobody computes could never be trained on."""
    assert parsed(RECIPE.read_bytes()).feature_names == FEATURE_NAMES


def test_only_usual_walks_count():
    """Other walks exist for patients alone: their number would give the label away."""
    assert parsed(RECIPE.read_bytes()).walks == {"Ga": frozenset({1, 2}), "Ju": frozenset({1})}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("folds = 5", "folds = 1", "protocol.folds"),
        ("folds = 5", "folds = 50", "protocol.minimum_people_a_group"),
        ("clip = 4", "clip = 0", "protocol.clip"),
        ("bits = 8", "bit = 8", "protocol.bits"),
        ("Ga = [1, 2]", "Ga = [true]", "walks.Ga"),
        ("typical = [0.95, 1.3]", "typical = [1.3, 0.95]", "typical"),
        ('name = "stride_time_cv"', 'name = "stride_time_s"', "feature"),
        ("licence_notice =", "license_notice =", "statements.licence_notice"),
        ("positive =", "postive =", "positive"),
    ],
)
def test_a_mistake_is_refused_with_file_and_key(old, new, key):
    """A compliance officer finds it without a debugger."""
    text = RECIPE.read_text().replace(old, new)
    assert text != RECIPE.read_text()
    with pytest.raises(ContractError) as refusal:
        parsed(text.encode())
    assert refusal.value.facts["file"] == "pd_screen.toml"
    assert key in str(refusal.value.facts["key"])


def test_the_digest_is_of_the_file():
    """A changed recipe is another one, and so is the model made from it."""
    text = RECIPE.read_bytes()
    assert parsed(text).digest != parsed(text + b"\n").digest
