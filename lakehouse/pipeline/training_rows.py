"""Whose walks a model may learn from, as numbers: consenting people, the walks of its recipe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakehouse.adapters.fhe_client import TrainingRows
from lakehouse.core.lineage import Version
from lakehouse.core.model_recipe import ModelRecipe
from lakehouse.errors import ContractError, NotReady
from lakehouse.pipeline.consents import ConsentCoverage, consent_coverage
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version

Row = Mapping[str, object]
Number = float | None
NO_COLUMN = "No match for FieldRef"
"""How Arrow says that a table lacks a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRows:
    """Rows for training, the people they are about, and what was read.

    `subjects` are canonical pseudonyms; the models environment sees them as numbers only.
    """

    rows: TrainingRows
    subjects: frozenset[str]
    versions: tuple[Version, Version]
    coverage: ConsentCoverage

    def smaller_group(self) -> int:
        """Return the number of people in the smaller of the two groups."""
        positive = sum(self.rows.positive)
        return min(positive, len(self.rows.positive) - positive)


def choose_rows(site: Site, recipe: ModelRecipe) -> ChosenRows:
    """Read the walks of the recipe of every consenting person with one known label.

    People are numbered by what they are, not by pseudonym, so that two homes with the same data
    make the same folds. Raises NotReady where a table has no version yet, or one without a column that the
    recipe reads, ContractError where its contract has no such column.
    """
    features, people = require_version(site, recipe.table), require_version(site, recipe.people_table)
    columns = ["subject", "study", "walk", recipe.label, *recipe.feature_names]
    walks = _usual_walks(_read(site, recipe, features, columns), recipe)
    own = _by_person(walks, site.vault.canonical({str(walk["subject"]) for walk in walks}))
    coverage = consent_coverage(site, own, recipe.purpose)
    labelled = {person for person in coverage.permitted if _label(own[person], recipe)}
    ordered = sorted(labelled, key=lambda person: _order(own[person], recipe))
    facts = _baseline(site, people, recipe)
    return ChosenRows(
        rows=_training_rows(
            [own[person] for person in ordered], [facts.get(person, {}) for person in ordered], recipe
        ),
        subjects=frozenset(ordered),
        versions=(features, people),
        coverage=coverage,
    )


def _read(site: Site, recipe: ModelRecipe, version: Version, columns: Sequence[str]) -> list[dict[str, Any]]:
    contract = site.contracts.require(version.table)
    absent = [name for name in columns[1:] if contract.column(name) is None]
    if absent:
        key = "baseline" if set(absent) <= set(recipe.baseline) else "feature"
        problem = f"reads columns that {contract.table} has not: {', '.join(absent)}"
        raise ContractError(f"{recipe.name}.toml", key, problem)
    try:
        rows: list[dict[str, Any]] = site.lake.read(version.table, version.version, columns).to_pylist()
    except pa.ArrowInvalid as error:
        if NO_COLUMN not in str(error):
            raise
        raise NotReady(
            f"{version.table}@{version.version} has not all columns of its contract that {recipe.name} reads",
            remedy=f"livinglab refine {str(contract.source).partition('.')[2]}",
        ) from error
    return rows


def _usual_walks(walks: Iterable[Row], recipe: ModelRecipe) -> list[Row]:
    """Return the walks that the recipe names and that have any feature at all."""
    return [
        walk
        for walk in walks
        if walk["walk"] in recipe.walks.get(str(walk["study"]), frozenset())
        and any(walk[name] is not None for name in recipe.feature_names)
    ]


def _by_person(rows: Iterable[Row], canonical: Mapping[str, str]) -> dict[str, list[Row]]:
    people: dict[str, list[Row]] = {}
    for row in rows:
        people.setdefault(canonical[str(row["subject"])], []).append(row)
    return people


def _label(rows: Sequence[Row], recipe: ModelRecipe) -> str | None:
    """Return the one label of a person's rows, or None where it is unknown or contradicts itself."""
    labels = {str(row[recipe.label]) for row in rows}
    return labels.pop() if len(labels) == 1 and labels <= {recipe.positive, recipe.negative} else None


def _order(rows: Sequence[Row], recipe: ModelRecipe) -> tuple[str, list[list[tuple[bool, float]]]]:
    values = sorted(
        [(value is None, 0.0 if value is None else value) for value in _numbers(row, recipe.feature_names)]
        for row in rows
    )
    return (_label(rows, recipe) or "", values)


def _numbers(row: Row, names: Sequence[str]) -> list[Number]:
    return [_number(row.get(name)) for name in names]


def _number(value: object) -> Number:
    return float(value) if isinstance(value, int | float) else None


def _baseline(site: Site, version: Version, recipe: ModelRecipe) -> dict[str, Row]:
    """Return what a model without gait would know, by canonical person."""
    read = _read(site, recipe, version, ["subject", *recipe.baseline])
    canonical = site.vault.canonical({str(row["subject"]) for row in read})
    return {canonical[str(row["subject"])]: row for row in read}


def _training_rows(
    people: Sequence[Sequence[Row]], facts: Sequence[Row], recipe: ModelRecipe
) -> TrainingRows:
    baseline = [_encoded(facts, name) for name in recipe.baseline]
    return TrainingRows(
        values=[_numbers(row, recipe.feature_names) for rows in people for row in rows],
        person=[number for number, rows in enumerate(people) for _ in rows],
        positive=[_label(rows, recipe) == recipe.positive for rows in people],
        baseline=[list(row) for row in zip(*baseline, strict=True)],
    )


def _encoded(facts: Sequence[Row], name: str) -> list[Number]:
    """Return one baseline column as numbers; texts (sex) by their place in the alphabet."""
    values = [row.get(name) for row in facts]
    texts = sorted({value for value in values if isinstance(value, str)})
    return [float(texts.index(value)) if isinstance(value, str) else _number(value) for value in values]
