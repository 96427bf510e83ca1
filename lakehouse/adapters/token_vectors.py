"""The token vectors of spaCy's small models: bit for bit those of the model, at less work.

A vector is made in two steps. Hashed features of the token alone are mixed; then four windows of three
tokens each look further. So the first step is done once for each distinct token of a batch, and the second
in memory that is used again and again and stays near the processor. Products go through the same routine
as in the model, whose result for a row does not depend on the rows beside it.
Source: `MultiHashEmbed` and `MaxoutWindowEncoder` (spacy/ml/models/tok2vec.py of spaCy 3.8), `with_array`,
`expand_window`, `maxout`, `layernorm` and `residual` of thinc 8.3.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spacy.tokens import Doc

Array = np.ndarray[Any, Any]
Encoder = Callable[["Sequence[Doc]"], Array]
"""Docs, none of them empty -> float32 (tokens of all docs, width)."""
ROWS_AT_ONCE = 512
"""Rows that go through all windows together: their window and its product fit into a core's cache."""
EMBEDDING = ("extract_features", "list2ragged", "with_array", "with_array", "ragged2list")
WINDOW = ("expand_window", "maxout", "layernorm", "dropout")
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Its powers make one number of a row of features; rows that share a number are told apart."""
SMALLEST_VARIANCE = 1e-08


def encoder_of(model: Any) -> Encoder:
    """Return what computes the vectors of a thinc `Tok2Vec`: ours if it is built as we know it, else its own.

    Whether it is, is seen from its layers.
    """
    return TokenEncoder(model) if is_known(model) else lambda docs: np.concatenate(model.predict(docs))


def is_known(model: Any) -> bool:
    """Return whether a model is hashed features, a mix and windows of three tokens, and nothing else."""
    if len(model.layers) != 2 or tuple(_kind(layer) for layer in model.layers[0].layers) != EMBEDDING:
        return False
    encode = model.layers[1]
    if _kind(encode) != "with_array" or len(encode.layers) != 1:
        return False
    return all(
        _kind(layer) == "residual"
        and tuple(leaf.name for leaf in _leaves(layer)) == WINDOW
        and _leaves(layer)[0].attrs["window_size"] == 1
        for layer in encode.layers[0].layers
    )


def _kind(layer: Any) -> str:
    return str(layer.name).partition("(")[0]


def _leaves(layer: Any) -> list[Any]:
    return [node for node in layer.walk(order="dfs_pre") if not node.layers]


class TokenEncoder:
    """The model's parts, made once a model."""

    def __init__(self, model: Any) -> None:
        embed, encode = model.layers
        self._features = embed.layers[0]
        self._hashed = embed.layers[2].layers[0]
        self._mix = embed.layers[3].layers[0]
        self._pad = int(encode.attrs["pad"])
        self._windows = [WindowLayer.of(layer) for layer in encode.layers[0].layers]

    def __call__(self, docs: "Sequence[Doc]") -> Array:
        """Return the vectors, float32 (tokens of all docs, width)."""
        rows = np.concatenate(self._features.predict(list(docs)))
        firsts, places = distinct_rows(rows)
        mixed = self._mix.predict(self._hashed.predict(rows[firsts]))
        vectors = np.empty((len(rows), mixed.shape[1]), dtype=mixed.dtype)
        done = 0
        for lengths in _parts([len(doc) for doc in docs], ROWS_AT_ONCE):
            tokens, padded = self._laid_out(lengths)
            part = slice(done, done + len(tokens))
            laid = np.zeros((padded, mixed.shape[1]), dtype=mixed.dtype)
            laid[tokens] = mixed[places[part]]
            vectors[part] = self._look_around(laid)[tokens]
            done = part.stop
        return vectors

    def _laid_out(self, lengths: Sequence[int]) -> tuple[Array, int]:
        """Return the rows of the tokens, and how many rows there are with those between the docs."""
        before = self._pad * np.repeat(np.arange(1, len(lengths) + 1), lengths)
        return before + np.arange(sum(lengths)), sum(lengths) + self._pad * (len(lengths) + 1)

    def _look_around(self, rows: Array) -> Array:
        count, width = rows.shape
        window = np.empty((count, 3 * width), dtype=rows.dtype)
        window[0, :width] = window[-1, 2 * width :] = 0
        product = np.empty((count, self._windows[0].bias.size), dtype=rows.dtype)
        for layer in self._windows:
            window[1:, :width] = rows[:-1]
            window[:, width : 2 * width] = rows
            window[:-1, 2 * width :] = rows[1:]
            rows += layer.look(window, product)
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLayer:
    """One window: weights (pieces * width, 3 * width), bias (pieces * width) and the scale of its norm.

    The model keeps the pieces of one output side by side; here each piece is a block of columns.
    """

    multiply: Callable[..., Array]
    weights: Array
    bias: Array
    scale: Array
    shift: Array

    @classmethod
    def of(cls, layer: Any) -> "WindowLayer":
        """Return the layer of a residual block."""
        _, maxout, norm, _ = _leaves(layer)
        weights = maxout.get_param("W").transpose(1, 0, 2)
        return cls(
            multiply=maxout.ops.gemm,
            weights=np.ascontiguousarray(weights.reshape(-1, weights.shape[2])),
            bias=np.ascontiguousarray(maxout.get_param("b").T.reshape(-1)),
            scale=norm.get_param("G"),
            shift=norm.get_param("b"),
        )

    def look(self, window: Array, product: Array) -> Array:
        """Return what the layer adds to each row; product: memory for weights times window."""
        self.multiply(window, self.weights, trans2=True, out=product)
        product += self.bias
        width = len(self.scale)
        best = np.maximum(product[:, :width], product[:, width : 2 * width])
        for piece in range(2, len(self.bias) // width):
            np.maximum(best, product[:, piece * width : (piece + 1) * width], out=best)
        best -= best.mean(axis=1, keepdims=True)
        variance = np.square(best).sum(axis=1, keepdims=True) / np.float32(width) + SMALLEST_VARIANCE
        best *= variance ** (-1.0 / 2.0)
        best *= self.scale
        best += self.shift
        return best


def distinct_rows(rows: Array) -> tuple[Array, Array]:
    """Return the first place of each distinct row, and for each row which of those it equals.

    rows: uint64 (n, features). Rows are compared by one number first; where two rows that differ share it
    (nobody could tell it from the vectors), each row counts as distinct.
    """
    numbers = (rows * FACTOR ** np.arange(rows.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    _, firsts, places = np.unique(numbers, return_index=True, return_inverse=True)
    if not np.array_equal(rows[firsts[places]], rows):
        firsts = places = np.arange(len(rows))
    return firsts, places


def _parts(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Yield runs of lengths whose sum is at most `limit`, or one length that is longer."""
    part: list[int] = []
    for length in lengths:
        if part and sum(part) + length > limit:
            yield part
            part = []
        part.append(length)
    if part:
        yield part
