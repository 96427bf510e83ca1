"""How a model is made: its features, its people, its protocol, as `models/<name>.toml` states it.

Both environments read the one file: the platform chooses rows by it, the training program fits by it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.core.toml_section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFeature:
    """A column of the table of features, its unit and its typical range (public figures)."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProtocol:
    """The numbers of the protocol.

    Folds are by person, repeated `repeats` times from `seed`. `clip` is in standard deviations,
    `bits` the precision of the encrypted twin, `draws` those of the bootstrap over people.
    """

    folds: int
    repeats: int
    seed: int
    inverse_regularisation: float
    clip: float
    bits: int
    draws: int
    minimum_people_a_group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecipe:
    """Everything that makes a model, except the people.

    `walks` are the walks that count, by study. `positive` and `negative` are the values of `label`.
    `baseline` are the columns of `people_table` that a model without gait would use.
    """

    name: str
    revision: int
    digest: str
    purpose: str
    table: str
    people_table: str
    label: str
    positive: str
    negative: str
    walks: Mapping[str, frozenset[int]]
    features: tuple[RecipeFeature, ...]
    baseline: tuple[str, ...]
    protocol: TrainingProtocol
    statements: Mapping[str, str]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of `table` that the model reads, in the model's order."""
        return tuple(feature.name for feature in self.features)


STATEMENTS = (
    "title",
    "intended_use",
    "population_note",
    "split",
    "threshold_note",
    "membership_note",
    "encryption_note",
    "licence_notice",
)
"""What a card must say in words."""


def parse_recipe(data: object, text: bytes, file: str) -> ModelRecipe:
    """Read a recipe; `text` is the file's bytes, of which it keeps the SHA-256.

    Raises ContractError naming file, key and what is allowed.
    """
    top = Section(data, file=file)
    recipe = ModelRecipe(
        name=top.text("name"),
        revision=top.integer("revision", least=1),
        digest=hashlib.sha256(text).hexdigest(),
        purpose=top.text("purpose"),
        table=top.text("table"),
        people_table=top.text("people_table"),
        label=top.text("label"),
        positive=top.text("positive"),
        negative=top.text("negative"),
        walks=_walks(top),
        features=_features(top),
        baseline=top.texts("baseline"),
        protocol=_protocol(top),
        statements=_statements(top),
    )
    top.finish()
    return recipe


def _walks(top: Section) -> Mapping[str, frozenset[int]]:
    listed = top.mapping("walks")
    for study, numbers in listed.items():
        whole = isinstance(numbers, list) and numbers and all(type(number) is int for number in numbers)
        if not whole:
            raise top.error(f"walks.{study}", "must be a list of walk numbers")
    return {study: frozenset(numbers) for study, numbers in listed.items() if isinstance(numbers, list)}


def _features(top: Section) -> tuple[RecipeFeature, ...]:
    features = tuple(_feature(section) for section in top.sections("feature"))
    names = [feature.name for feature in features]
    if not names or len(set(names)) != len(names):
        raise top.error("feature", "must list each feature once, and at least one")
    return features


def _feature(section: Section) -> RecipeFeature:
    name, unit, typical = section.text("name"), section.text("unit"), section.decimals("typical")
    if len(typical) != 2 or typical[0] >= typical[1]:
        raise section.error("typical", "must be [low, high] with low below high")
    section.finish()
    return RecipeFeature(name=name, unit=unit, low=float(typical[0]), high=float(typical[1]))


def _protocol(top: Section) -> TrainingProtocol:
    section = top.section("protocol")
    if section is None:
        raise top.error("protocol", "is missing")
    protocol = TrainingProtocol(
        folds=section.integer("folds", least=2),
        repeats=section.integer("repeats", least=1),
        seed=section.integer("seed"),
        inverse_regularisation=_positive(section, "inverse_regularisation"),
        clip=_positive(section, "clip"),
        bits=section.integer("bits", least=2),
        draws=section.integer("draws", least=100),
        minimum_people_a_group=section.integer("minimum_people_a_group", least=2),
    )
    if protocol.minimum_people_a_group < protocol.folds:
        raise section.error("minimum_people_a_group", "must be at least the number of folds")
    section.finish()
    return protocol


def _positive(section: Section, key: str) -> float:
    value = section.number(key)
    if value is None or value <= 0:
        raise section.error(key, "must be a number above 0")
    return value


def _statements(top: Section) -> Mapping[str, str]:
    section = top.section("statements")
    if section is None:
        raise top.error("statements", "is missing")
    statements = {name: section.text(name) for name in STATEMENTS}
    section.finish()
    return statements
