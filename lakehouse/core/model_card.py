"""What a model's card says: for what it is, how good it is, on whom, and what it does not promise.

After Mitchell et al., Model Cards for Model Reporting, https://doi.org/10.1145/3287560.3287596.
"""

from collections.abc import Mapping

from lakehouse.core.model_recipe import ModelRecipe

FIGURES = (
    "auc",
    "auc_interval",
    "quantised_auc",
    "baseline_auc",
    "baseline_auc_interval",
    "membership_auc",
    "encrypted_checked",
)
"""What training measures; AUC is over people, intervals are 95 %."""
FIGURE_DIGITS = 3


def make_card(
    recipe: ModelRecipe,
    figures: Mapping[str, object],
    *,
    people: int,
    round_to: int,
    data_leaf: int,
    data_table: str,
    trained_at: str,
) -> dict[str, object]:
    """Return the card; `people` is rounded like every exact count that leaves, walks are not counted."""
    return {
        "name": recipe.name,
        **{name: _rounded(figures[name]) for name in FIGURES},
        **recipe.statements,
        "features": [
            {"name": own.name, "unit": own.unit, "typical": [own.low, own.high]} for own in recipe.features
        ],
        "baseline_features": list(recipe.baseline),
        "walks": {study: sorted(numbers) for study, numbers in recipe.walks.items()},
        "people": round_to * round(people / round_to),
        "people_rounded_to": round_to,
        "purpose": recipe.purpose,
        "recipe_revision": recipe.revision,
        "data_leaf": data_leaf,
        "data_table": data_table,
        "trained_at": trained_at,
    }


def _rounded(figure: object) -> object:
    if isinstance(figure, float):
        return round(figure, FIGURE_DIGITS)
    if isinstance(figure, list):
        return [_rounded(value) for value in figure]
    return figure
