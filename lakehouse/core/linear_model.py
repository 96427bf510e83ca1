"""A logistic model as it is kept: plain numbers, in clear and quantised.

Both sides of an encrypted prediction read this document: the platform scores in clear with it,
the client quantises with it and knows which integer the circuit must return. Quantisation follows
Jacob et al., https://arxiv.org/abs/1712.05877, as Concrete ML does: rounding half to even, clipped.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from lakehouse.errors import Damaged, UnreadableInput

SCHEMA = "livinglab/linear-model/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFeature:
    """One input: `low` to `high` is its typical range in `unit`, a public figure, not a limit.

    The model sees (value - mean) / scale, clipped.
    """

    name: str
    unit: str
    low: float
    high: float
    mean: float
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """The integers of the encrypted circuit; a real number is scale * (integer - zero)."""

    bits: int
    input_scale: float
    input_zero: int
    weights: tuple[int, ...]
    weight_zero: int
    bias: int
    output_scale: float
    output_zero: int

    def quantise(self, inputs: tuple[float, ...]) -> tuple[int, ...]:
        """Return the circuit's input: signed integers of `bits` bits."""
        lowest, highest = -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        rounded = (round(value / self.input_scale + self.input_zero) for value in inputs)
        return tuple(min(max(value, lowest), highest) for value in rounded)

    def output(self, quantised: tuple[int, ...]) -> int:
        """Return the integer that the circuit must give for this input."""
        products = sum(value * weight for value, weight in zip(quantised, self.weights, strict=True))
        return products - self.weight_zero * sum(quantised) + self.bias

    def probability(self, output: int) -> float:
        """Return the score that an integer output stands for."""
        return _sigmoid(self.output_scale * (output - self.output_zero))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Standardise, clip at `clip` standard deviations, weigh, squash to a probability."""

    name: str
    clip: float
    intercept: float
    features: tuple[ModelFeature, ...]
    coefficients: tuple[float, ...]
    quantisation: Quantisation

    def standardise(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """Return the model's inputs, in the order of `features`."""
        scaled = ((values[feature.name] - feature.mean) / feature.scale for feature in self.features)
        return tuple(min(max(value, -self.clip), self.clip) for value in scaled)

    def score(self, values: Mapping[str, float]) -> float:
        """Return the clear score: a probability between 0 and 1."""
        inputs = self.standardise(values)
        weighed = math.fsum(value * weight for value, weight in zip(inputs, self.coefficients, strict=True))
        return _sigmoid(weighed + self.intercept)

    def check_input(self, given: object) -> dict[str, float]:
        """Return the features as numbers; UnreadableInput names the feature, never its value."""
        if not isinstance(given, Mapping):
            raise UnreadableInput(
                "the input is not a JSON object of feature -> number", remedy=_remedy(self.name)
            )
        expected = [feature.name for feature in self.features]
        missing = [name for name in expected if name not in given]
        if missing:
            raise UnreadableInput(
                f"missing {_count(missing)}: {', '.join(missing)}",
                remedy=_remedy(self.name),
                missing=missing,
            )
        unknown = len(set(given) - set(expected))
        if unknown:
            raise UnreadableInput(
                f"{unknown} of {len(given)} fields are no feature of {self.name}", remedy=_remedy(self.name)
            )
        return {name: _finite(name, given[name], self.name) for name in expected}

    def as_document(self) -> dict[str, Any]:
        """Return the JSON document that `parse_linear_model` reads."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read a JSON document. Damaged: it is not of the schema, or its lengths disagree."""
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError) as problem:
            raise Damaged(
                "the model's document is not of the schema", remedy=_RETRAIN, schema=SCHEMA
            ) from problem

    @classmethod
    def _read(cls, document: Any) -> Self:
        fields = dict(document)
        if fields.pop("schema") != SCHEMA:
            raise ValueError("schema")
        quantised = dict(fields.pop("quantisation"))
        weights = tuple(int(weight) for weight in quantised.pop("weights"))
        features = tuple(ModelFeature(**feature) for feature in fields.pop("features"))
        coefficients = tuple(float(value) for value in fields.pop("coefficients"))
        if not len(features) == len(coefficients) == len(weights):
            raise ValueError("lengths")
        return cls(
            features=features,
            coefficients=coefficients,
            quantisation=Quantisation(weights=weights, **quantised),
            **fields,
        )


_RETRAIN = "run: livinglab models verify NAME"


def _sigmoid(value: float) -> float:
    if value < 0:
        grown = math.exp(value)
        return grown / (1.0 + grown)
    return 1.0 / (1.0 + math.exp(-value))


def _finite(name: str, value: object, model: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableInput(f"feature {name!r} is not a number", remedy=_remedy(model), feature=name)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnreadableInput(f"feature {name!r} is not a finite number", remedy=_remedy(model), feature=name)
    return number


def _count(names: list[str]) -> str:
    return f"{len(names)} feature" if len(names) == 1 else f"{len(names)} features"


def _remedy(model: str) -> str:
    return f"the features and their units: livinglab models show {model}"
