"""The encrypted twin of a logistic model: quantised, compiled and proved equal by Concrete ML."""

import math
from pathlib import Path

import numpy as np
from concrete.fhe import Circuit
from concrete.ml.sklearn import LogisticRegression as EncryptedLogistic
from evaluation import Fitted, Floats

from lakehouse.core.linear_model import LinearModel, ModelFeature, Quantisation
from lakehouse.core.model_recipe import ModelRecipe


class TwinError(Exception):
    """The circuit, Concrete ML's clear twin and our document do not give the same integers."""


def quantise_model(fitted: Fitted, bits: int) -> EncryptedLogistic:
    """Return the quantised twin; its input range is the public clip, not the extremes of any person."""
    width, clip = len(fitted.standardiser.mean), fitted.standardiser.clip
    limits = np.vstack([np.full(width, -clip), np.full(width, clip)])
    return EncryptedLogistic.from_sklearn_model(fitted.logistic, limits, n_bits=bits)


def quantised_scores(fitted: Fitted, bits: int, values: Floats) -> Floats:
    """Return the probabilities of the quantised twin, (n_rows,)."""
    return quantise_model(fitted, bits).predict_proba(fitted.inputs(values))[:, 1]


def compile_twin(twin: EncryptedLogistic, clip: float) -> Circuit:
    """Compile for every input there can be.

    The circuit's integers are sized by the inputs it is compiled with. The two corners where all
    products have one sign give the largest sums, so no input overflows, seen in training or not.
    """
    signs = np.sign(twin.sklearn_model.coef_)
    corners = np.vstack([signs, -signs, np.ones_like(signs), -np.ones_like(signs)]) * clip
    return twin.compile(corners)


def describe_model(recipe: ModelRecipe, fitted: Fitted, twin: EncryptedLogistic) -> LinearModel:
    """Return the numbers of model and twin as the document both sides read."""
    standardiser, logistic = fitted.standardiser, fitted.logistic
    features = tuple(
        ModelFeature(
            name=feature.name,
            unit=feature.unit,
            low=feature.low,
            high=feature.high,
            mean=float(standardiser.mean[place]),
            scale=float(standardiser.scale[place]),
        )
        for place, feature in enumerate(recipe.features)
    )
    return LinearModel(
        name=recipe.name,
        clip=standardiser.clip,
        intercept=float(logistic.intercept_[0]),
        features=features,
        coefficients=tuple(float(weight) for weight in logistic.coef_[0]),
        quantisation=_read_quantisation(twin, recipe.protocol.bits),
    )


def check_twins(
    model: LinearModel, fitted: Fitted, twin: EncryptedLogistic, circuit: Circuit, values: Floats, runs: int
) -> int:
    """Return how many rows were really encrypted, run and decrypted, all equal; else TwinError.

    Every row is compared between our document and Concrete ML, the first `runs` with the circuit.
    """
    inputs = fitted.inputs(values)
    theirs = twin.quantize_input(inputs)
    for row, expected in zip(inputs, twin.predict_proba(inputs)[:, 1], strict=True):
        ours = model.quantisation
        quantised = ours.quantise(tuple(float(value) for value in row))
        if not math.isclose(ours.probability(ours.output(quantised)), expected, abs_tol=1e-9):
            raise TwinError("document and quantised model differ")
    for row in theirs[:runs]:
        encrypted = int(circuit.encrypt_run_decrypt(row[None, :]).reshape(-1)[0])
        if encrypted != model.quantisation.output(tuple(int(value) for value in row)):
            raise TwinError("circuit and document differ")
    return min(runs, len(theirs))


def save_circuit(circuit: Circuit, folder: Path) -> None:
    """Write client.zip (the circuit's description) and server.zip (its MLIR text; no native code)."""
    circuit.client.save(folder / "client.zip")
    circuit.server.save(folder / "server.zip", via_mlir=True)


def _read_quantisation(twin: EncryptedLogistic, bits: int) -> Quantisation:
    inputs, outputs = twin.input_quantizers[0], twin.output_quantizers[0]
    return Quantisation(
        bits=bits,
        input_scale=float(inputs.scale),
        input_zero=int(inputs.zero_point),
        weights=tuple(int(weight) for weight in twin._q_weights[:, 0]),
        weight_zero=int(twin._weight_quantizer.zero_point),
        bias=int(np.asarray(twin._q_bias).reshape(-1)[0]),
        output_scale=float(outputs.scale),
        output_zero=int(np.asarray(outputs.zero_point).reshape(-1)[0]),
    )
