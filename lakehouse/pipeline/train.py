"""train: consenting people's features -> a model with its card, signed and logged."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.adapters.fhe_client import TrainedFiles
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.canonical import digest_json, timestamp
from lakehouse.core.model_card import make_card
from lakehouse.core.model_recipe import ModelRecipe
from lakehouse.errors import NotVerified
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.model_registry import (
    ACTIVE,
    RETIRED,
    SUPERSEDED,
    TRAINING_CELL,
    lock_name,
    membership_name,
    model_rows,
    model_store,
    open_row,
)
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.statements import Statement, both_statements, model_statement
from lakehouse.pipeline.training_rows import ChosenRows, choose_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """What training gave: a model, or `why` there is none (digest, leaf and card are None then)."""

    name: str
    digest: str | None = None
    leaf: int | None = None
    repeated: bool = False
    card: Mapping[str, Any] | None = None
    why: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the fields of `models train`; the card's stand beside them."""
        return {**(self.card or {}), **self.outline()}

    def outline(self) -> dict[str, object]:
        """Return what says which model it is, without its card."""
        return {
            "name": self.name,
            "digest": self.digest,
            "leaf": self.leaf,
            "repeated": self.repeated,
            "why": self.why,
        }


def train(site: Site, name: str) -> TrainedModel:
    """Train a model, or return the one there is: same data, consents and recipe give the same model.

    Too few people is a result, not an error. Raises NotReady without the models environment or
    without its tables, NotAllowed, Unavailable.
    """
    site.actor.require("train")
    recipe = site.models.recipe(name)
    with site.locks.hold([lock_name(name)]):
        chosen = choose_rows(site, recipe)
        there = _earlier(site, recipe, chosen)
        if there is not None:
            return there
        why = _too_few(recipe, chosen)
        if why is not None:
            return TrainedModel(name=name, why=why)
        site.models.require()
        _remove_unlogged(site, name)
        return _keep(site, recipe, chosen, site.models.train(recipe, chosen.rows))


def _run_key(recipe: ModelRecipe, chosen: ChosenRows) -> str:
    """Return the digest of everything that decides the model; never the commit id (PROTOCOLS section 2)."""
    return digest_json(
        {
            "verb": "train",
            "model": recipe.name,
            "revision": recipe.revision,
            "recipe": recipe.digest,
            "inputs": [version.content_digest for version in chosen.versions],
            "consents": chosen.coverage.root,
        }
    )


def _earlier(site: Site, recipe: ModelRecipe, chosen: ChosenRows) -> TrainedModel | None:
    """Return what this run key gave before; a superseded model, or one whose files fail, is made anew."""
    run_key = _run_key(recipe, chosen)
    rows = [
        row
        for row in model_rows(site, recipe.name)
        if row["run_key"] == run_key and row["state"] != SUPERSEDED
    ]
    if not rows:
        return None
    row = rows[-1]
    if row["state"] == RETIRED:
        why = "the model of these data and consents is retired"
        return TrainedModel(name=recipe.name, repeated=True, why=why)
    try:
        card = open_row(site, row).card
    except NotVerified:
        return None
    return TrainedModel(
        name=recipe.name, digest=row["digest"], leaf=row["leaf_index"], repeated=True, card=card
    )


def too_few_left(site: Site, name: str) -> str | None:
    """Return why training a model now would give none, or None; reads its tables, starts nothing."""
    recipe = site.models.recipe(name)
    return _too_few(recipe, choose_rows(site, recipe))


def _too_few(recipe: ModelRecipe, chosen: ChosenRows) -> str | None:
    least = recipe.protocol.minimum_people_a_group
    if chosen.smaller_group() >= least:
        return None
    return (
        f"fewer than {least} consenting people of each group ({recipe.positive}, {recipe.negative}) "
        f"have a usual walk; {recipe.name} needs {least} of each"
    )


def _remove_unlogged(site: Site, name: str) -> None:
    """Remove folders that a killed training left before its record was logged."""
    store, logged = model_store(site), {row["digest"] for row in model_rows(site, name)}
    for digest in store.digests(name):
        if digest not in logged:
            store.remove(name, digest)


def _keep(site: Site, recipe: ModelRecipe, chosen: ChosenRows, trained: TrainedFiles) -> TrainedModel:
    """Sign the files, remember who was trained on, log the model: in that order."""
    run_key, walks = _run_key(recipe, chosen), chosen.versions[0]
    card = make_card(
        recipe,
        trained.figures,
        people=len(chosen.subjects),
        round_to=site.policy.floor.round_to,
        data_leaf=walks.leaf,
        data_table=walks.table,
        trained_at=timestamp(site.clock()),
    )
    files = {**trained.files, "card.json": json.dumps(card, indent=1).encode()}
    made_from = {"run_key": run_key, "recipe": recipe.digest, "data_leaf": walks.leaf}
    digest = model_store(site).save(recipe.name, files, made_from)
    site.vault.remember_cells(membership_name(digest), {TRAINING_CELL: set(chosen.subjects)})
    earlier = [row for row in model_rows(site, recipe.name) if row["state"] == ACTIVE]
    privacy = model_statement(site, recipe, chosen.versions, card, output=digest)
    leaf = _log_model(site, recipe, chosen, digest, run_key, earlier, privacy)
    return TrainedModel(name=recipe.name, digest=digest, leaf=leaf, card=card)


def _log_model(
    site: Site,
    recipe: ModelRecipe,
    chosen: ChosenRows,
    digest: str,
    run_key: str,
    earlier: Sequence[Row],
    privacy: Statement,
) -> int:
    row = {
        "name": recipe.name,
        "digest": digest,
        "state": ACTIVE,
        "run_key": run_key,
        "leaf_index": None,
        "manifest": {"digest": digest},
        "created_at": timestamp(site.clock()),
    }
    return log_record(
        site,
        draft_record(
            site,
            kind="model",
            digests={"model": digest, "recipe": recipe.digest},
            details={
                "model": recipe.name,
                "people": len(chosen.subjects),
                "walks": len(chosen.rows.values),
                "consents": chosen.coverage.counts(),
                "run_key": run_key,
            },
            ref=f"model/{digest}",
            inputs=tuple(version.leaf for version in chosen.versions),
            consent_root=chosen.coverage.root,
            supersedes=earlier[-1]["leaf_index"] if earlier else None,
            statements=both_statements(site, privacy, chosen.coverage),
        ),
        rows={"models": [row]},
        changes=[
            ("models", {"name": old["name"], "digest": old["digest"]}, {"state": SUPERSEDED})
            for old in earlier
        ],
    )
