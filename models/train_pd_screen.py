"""Trains `pd_screen`, measures it by person, compiles its encrypted twin.

stdin:  {"output": folder, "recipe_digest": hex, "values": [[number or null]] (n_walks, n_features),
         "person": [0..] (n_walks,), "positive": [bool] (n_people,),
         "baseline": [[number or null]] (n_people, n_columns)}
stdout: the figures of the card. In `output`: client.zip, server.zip, model.json.

People are numbers here; no pseudonym enters this environment and no row is written to disk.
"""

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from compilation import (
    check_twins,
    compile_twin,
    describe_model,
    quantise_model,
    quantised_scores,
    save_circuit,
)
from evaluation import (
    Fitted,
    Flags,
    Floats,
    TrainingSet,
    bootstrap_interval,
    fit_logistic,
    fold_of_people,
    mean_by_person,
    membership_auc,
    pair_wins,
)
from program import answer_job

from lakehouse.core.model_recipe import ModelRecipe, TrainingProtocol, parse_recipe

RECIPE = Path(__file__).with_name("pd_screen.toml")
ENCRYPTED_RUNS = 20


class RecipeError(Exception):
    """The recipe is no longer the one by which the platform chose the rows."""


def read_recipe(digest: str) -> ModelRecipe:
    """Return the recipe, if it is the one that the platform read."""
    text = RECIPE.read_bytes()
    recipe = parse_recipe(tomllib.loads(text.decode()), text, RECIPE.name)
    if recipe.digest != digest:
        raise RecipeError(RECIPE.name)
    return recipe


def read_rows(job: dict[str, Any]) -> tuple[TrainingSet, TrainingSet]:
    """Return the walks, and the same people with one row of baseline columns each."""
    positive = np.array(job["positive"], dtype=np.bool_)
    walks = TrainingSet(
        values=np.array(job["values"], dtype=np.float64),
        person=np.array(job["person"], dtype=np.int64),
        positive=positive,
    )
    baseline = TrainingSet(
        values=np.array(job["baseline"], dtype=np.float64), person=np.arange(len(positive)), positive=positive
    )
    return walks, baseline


def fit_recipe(rows: TrainingSet, chosen: Flags, protocol: TrainingProtocol) -> Fitted:
    """Fit as the recipe says on some people."""
    return fit_logistic(rows, chosen, strength=protocol.inverse_regularisation, clip=protocol.clip)


def held_out_scores(
    rows: TrainingSet, protocol: TrainingProtocol, seed: int
) -> tuple[Floats, Floats, list[float]]:
    """Return clear and quantised scores of the held-out, (n_people,) each, and the membership AUC a fold."""
    people = len(rows.positive)
    clear, quantised = np.full(people, np.nan), np.full(people, np.nan)
    membership = []
    fold = fold_of_people(rows.positive, protocol.folds, seed)
    for number in range(protocol.folds):
        held_out = fold == number
        fitted = fit_recipe(rows, ~held_out, protocol)
        scores = mean_by_person(fitted.score(rows.values), rows.person, people)
        twin = mean_by_person(quantised_scores(fitted, protocol.bits, rows.values), rows.person, people)
        clear[held_out], quantised[held_out] = scores[held_out], twin[held_out]
        membership.append(membership_auc(fitted, rows, ~held_out))
    return clear, quantised, membership


def measure(rows: TrainingSet, baseline: TrainingSet, protocol: TrainingProtocol) -> dict[str, Any]:
    """Return the figures of the card: means over the repeats, intervals over people."""
    repeats = [held_out_scores(rows, protocol, protocol.seed + n) for n in range(protocol.repeats)]
    plain = [baseline_scores(baseline, protocol, protocol.seed + n) for n in range(protocol.repeats)]
    wins = {
        "auc": np.mean([pair_wins(clear, rows.positive) for clear, _, _ in repeats], axis=0),
        "quantised_auc": np.mean([pair_wins(twin, rows.positive) for _, twin, _ in repeats], axis=0),
        "baseline_auc": np.mean([pair_wins(scores, rows.positive) for scores in plain], axis=0),
    }
    figures: dict[str, Any] = {name: round(float(won.mean()), 4) for name, won in wins.items()}
    for name in ("auc", "baseline_auc"):
        low, high = bootstrap_interval(wins[name], protocol.draws, protocol.seed)
        figures[f"{name}_interval"] = [round(low, 4), round(high, 4)]
    figures["membership_auc"] = round(float(np.mean([value for *_, each in repeats for value in each])), 4)
    return figures


def baseline_scores(baseline: TrainingSet, protocol: TrainingProtocol, seed: int) -> Floats:
    """Return held-out scores of the same model on the baseline columns, (n_people,)."""
    scores = np.full(len(baseline.positive), np.nan)
    fold = fold_of_people(baseline.positive, protocol.folds, seed)
    for number in range(protocol.folds):
        held_out = fold == number
        scores[held_out] = fit_recipe(baseline, ~held_out, protocol).score(baseline.values)[held_out]
    return scores


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Fit on everyone, compile, write the artefacts, return the figures."""
    started = time.perf_counter()
    recipe = read_recipe(job["recipe_digest"])
    protocol, output = recipe.protocol, Path(job["output"])
    rows, baseline = read_rows(job)
    figures = measure(rows, baseline, protocol)
    fitted = fit_recipe(rows, np.ones(len(rows.positive), dtype=np.bool_), protocol)
    twin = quantise_model(fitted, protocol.bits)
    circuit = compile_twin(twin, protocol.clip)
    model = describe_model(recipe, fitted, twin)
    checked = check_twins(model, fitted, twin, circuit, rows.values, ENCRYPTED_RUNS)
    save_circuit(circuit, output)
    (output / "model.json").write_text(json.dumps(model.as_document(), indent=1))
    return {**figures, "encrypted_checked": checked, "seconds": round(time.perf_counter() - started, 2)}


if __name__ == "__main__":
    answer_job(train, longest_life=600)
