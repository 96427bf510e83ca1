"""spaCy's entity recogniser decoded for a whole batch at once.

It is a transition system whose scores depend on three tokens only: the next one, the first of the open
entity, and the last of it. So everything outside an entity is scored in one matrix product; entities that
may begin are followed token by token, all of them in step; and the greedy path picks among them.
Source: spacy/ml/parser_model.pyx and spacy/pipeline/_parser_internals/ner.pyx of spaCy 3.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Entity = tuple[int, int, str]
"""First token, token after the last, label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMoves:
    """The recogniser's moves: columns of the score matrix, and what each one does.

    opens: whether a move begins an entity of several tokens. outside: whether it is one where none is open.
    inside, last: for each move that opens, the columns of going on and of ending.
    """

    names: tuple[str, ...]
    opens: Array
    outside: Array
    inside: Array
    last: Array
    out: int

    @classmethod
    def of(cls, names: Sequence[str]) -> "EntityMoves":
        """Return the moves by name, as spaCy orders them; `U-` keeps entities set before: there are none."""
        column = {name: index for index, name in enumerate(names)}
        labels = [name.partition("-")[2] for name in names]
        return cls(
            names=tuple(names),
            opens=np.array([name.startswith("B-") for name in names]),
            outside=np.array([name[:1] in "BUO" and name != "U-" for name in names]),
            inside=np.array([column.get(f"I-{label}", 0) for label in labels]),
            last=np.array([column.get(f"L-{label}", 0) for label in labels]),
            out=column["O"],
        )


class EntityDecoder:
    """The layers of a recogniser above its token vectors; made once a model."""

    def __init__(self, recogniser: Any) -> None:
        model, system = recogniser.model, recogniser.moves
        self.moves = EntityMoves.of([system.get_class_name(number) for number in range(system.n_moves)])
        self._multiply = model.ops.gemm
        self._lower, self._upper = model.get_ref("lower"), model.get_ref("upper")

    def scored(self, vectors: Array, lasts: Array, spaces: Array) -> "ScoredTokens":
        """Return the scores of tokens as if no entity were open there.

        vectors: float32 (tokens, width). lasts: the last token of each text, bool. spaces: bool.
        """
        table = self._lower.predict(vectors)
        padding, features = table[0], table[1:]
        bias = self._lower.get_param("b").reshape(padding.shape[1:])
        return ScoredTokens(
            decoder=self,
            features=features,
            bias=bias,
            outside=self.scores(((features[:, 0] + padding[1]) + padding[2]) + bias),
            lasts=lasts,
            spaces=spaces,
        )

    def scores(self, sums: Array) -> Array:
        """Return the scores (n, moves) of sums (n, hidden, pieces), by the product that spaCy uses."""
        hidden = sums[..., 0]
        for piece in range(1, sums.shape[-1]):
            hidden = np.maximum(hidden, sums[..., piece])
        found: Array = self._multiply(hidden, self._upper.get_param("W"), trans2=True)
        found += self._upper.get_param("b")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTokens:
    """Tokens of texts, one text after the other.

    features: (n, 3, hidden, pieces). outside: scores where no entity is open (n, moves).
    """

    decoder: EntityDecoder
    features: Array
    bias: Array
    outside: Array
    lasts: Array
    spaces: Array

    def part(self, chosen: slice) -> "ScoredTokens":
        """Return some of the tokens: whole texts."""
        return replace(
            self,
            features=self.features[chosen],
            outside=self.outside[chosen],
            lasts=self.lasts[chosen],
            spaces=self.spaces[chosen],
        )

    def entities(self, sentence_starts: Array | None) -> list[Entity]:
        """Return the greedy path; sentence_starts: bool (tokens), None where there are none to heed."""
        names = self.decoder.moves.names
        ended = self.lasts.copy()
        if sentence_starts is not None:
            ended[:-1] |= sentence_starts[1:]
        best = self._best_outside(ended)
        begun = (best != self.decoder.moves.out).nonzero()[0]
        ends = self._ends(begun, best[begun], ended)
        found: list[Entity] = []
        token = 0
        for start, end, move in zip(begun.tolist(), ends.tolist(), best[begun].tolist(), strict=True):
            if start >= token:
                found.append((start, end, names[move].partition("-")[2]))
                token = end
        return found

    def _best_outside(self, ended: Array) -> Array:
        """Return the best allowed move of each token where no entity is open (ner.pyx, `is_valid`).

        ended: whether an entity cannot go on to the next token.
        """
        moves = self.decoder.moves
        scores = np.where(moves.outside, self.outside, np.float32(-np.inf))
        scores[np.ix_(ended, moves.opens)] = -np.inf
        best: Array = scores.argmax(axis=1)
        best[self.spaces] = moves.out
        return best

    def _ends(self, begun: Array, opening: Array, ended: Array) -> Array:
        """Return the token after the last of each entity that begins at a token with a move."""
        moves = self.decoder.moves
        ends = begun + 1
        open_ones = moves.opens[opening].nonzero()[0]
        while len(open_ones):
            tokens, starts, move = ends[open_ones], begun[open_ones], opening[open_ones]
            features = self.features
            sums = ((features[tokens, 0] + features[starts, 1]) + features[tokens - 1, 2]) + self.bias
            scores = self.decoder.scores(sums)
            rows = np.arange(len(tokens))
            inside, last = moves.inside[move], moves.last[move]
            stays, closes = scores[rows, inside], scores[rows, last]
            over = ended[tokens] | (closes > stays) | ((closes == stays) & (last < inside))
            ends[open_ones] += 1
            open_ones = open_ones[~over]
        return ends
