"""spaCy's arc-eager parser, many texts in step: the heads it finds, the same for each text.

Each text's configuration is a row of arrays, and one step makes one move in every text: the scores of all
of them come from one product. Rules and ties are those of spacy/pipeline/_parser_internals/arc_eager.pyx,
_state.pxd and spacy/ml/parser_model.pyx of spaCy 3.8, for texts without sentence starts set before.

What a child's arc stands on is why few arrays suffice: only the top of the stack changes its head, and its
old head lies deeper in the stack, where nothing was attached since. So a lost arc is always its head's last
one to the right, arcs to the left are never lost, and a token on the buffer has no head.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
NOTHING = -1
"""Instead of a token: an empty place of stack or buffer, no head, no child. As an index, the spare column."""
LOOKED_AT = 8
"""Tokens that a score depends on: two of the buffer, three of the stack, and three of their children."""
SHIFT, REDUCE, LEFT, RIGHT, BREAK = range(5)
KINDS = {"S": SHIFT, "D": REDUCE, "L": LEFT, "R": RIGHT, "B": BREAK}
MAY_REDUCE, MAY_ATTACH, MAY_SHIFT, MAY_BREAK = 1, 2, 4, 8
"""What a configuration allows, as bits."""
STACK_ROLES = 3
"""Tokens from the top of the stack that a score depends on; as many empty places lie below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserMoves:
    """The moves of a parser: kind and label of each, and what to add to its scores where it is not allowed.

    refused: float32 (bits, moves), zero or minus infinity.
    """

    kinds: Array
    labels: tuple[str, ...]
    refused: Array

    @classmethod
    def of(cls, names: Sequence[str]) -> "ParserMoves":
        """Return the moves by name (`L-nsubj`), as spaCy orders them."""
        kinds = np.array([KINDS[name.partition("-")[0]] for name in names])
        allowed = np.zeros((16, len(KINDS)), dtype=bool)
        bits = np.arange(16)
        allowed[:, SHIFT] = (bits & MAY_SHIFT) > 0
        allowed[:, REDUCE] = (bits & MAY_REDUCE) > 0
        allowed[:, LEFT] = allowed[:, RIGHT] = (bits & MAY_ATTACH) > 0
        allowed[:, BREAK] = (bits & MAY_BREAK) > 0
        return cls(
            kinds=kinds,
            labels=tuple(name.partition("-")[2] for name in names),
            refused=np.where(allowed[:, kinds], np.float32(0), np.float32(-np.inf)),
        )


class ParserScores:
    """The layers of a parser above its token vectors; made once a model."""

    def __init__(self, model: Any) -> None:
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        self._multiply: Callable[..., Array] = model.ops.gemm
        weights = lower.get_param("W").transpose(0, 2, 1, 3)
        self._weights = np.ascontiguousarray(weights.reshape(-1, weights.shape[3]))
        self._padding = lower.get_param("pad")[0].transpose(0, 2, 1).reshape(LOOKED_AT, -1)
        self._bias = lower.get_param("b").T.reshape(-1)
        self._hidden = lower.get_dim("nO")
        self._upper, self._upper_bias = upper.get_param("W"), upper.get_param("b")

    def table(self, vectors: Array) -> Array:
        """Return what each token adds in each of its roles: ((tokens + 1) * roles, pieces * hidden).

        vectors: float32 (tokens, width). The first rows are those of no token.
        """
        table = np.empty((len(vectors) + 1, len(self._weights)), dtype=vectors.dtype)
        table[0] = self._padding.reshape(-1)
        self._multiply(vectors, self._weights, trans2=True, out=table[1:])
        return table.reshape(-1, self._padding.shape[1])

    def scores(self, table: Array, tokens: Array) -> Array:
        """Return the scores (n, moves) of configurations; tokens: rows of the table (roles, n)."""
        sums = table.take(tokens[0], axis=0)
        for role in tokens[1:]:
            sums += table.take(role, axis=0)
        sums += self._bias
        hidden = sums[:, : self._hidden]
        for piece in range(self._hidden, sums.shape[1], self._hidden):
            hidden = np.maximum(hidden, sums[:, piece : piece + self._hidden])
        scores: Array = self._multiply(np.ascontiguousarray(hidden), self._upper, trans2=True)
        scores += self._upper_bias
        return scores


class Configurations:
    """Stack, buffer and arcs of texts, a row each; a token is its place in its text.

    heads, arcs: (texts, longest + 1), the head of each token and the move that gave it.
    """

    def __init__(self, lengths: Array) -> None:
        texts, width = len(lengths), int(lengths.max()) + 1
        self._lengths = lengths
        self.heads = np.full((texts, width), NOTHING)
        self.arcs = np.zeros((texts, width), dtype=np.intp)
        self._left = np.full((texts, width), NOTHING)
        self._right = np.full((texts, width), NOTHING)
        self._right_before = np.full((texts, width), NOTHING)
        self._begins = np.zeros((texts, width), dtype=bool)
        self._put_back = np.zeros((texts, width), dtype=bool)
        self._stack = np.full((texts, width + STACK_ROLES), NOTHING)
        self._depth = np.zeros(texts, dtype=np.intp)
        self._returned = np.full((texts, width), NOTHING)
        self._returned_count = np.zeros(texts, dtype=np.intp)
        self._next = np.zeros(texts, dtype=np.intp)

    def unfinished(self, rows: Array) -> Array:
        """Return those of some rows in which stack or buffer still hold a token."""
        return rows[(self._depth[rows] > 0) | (self._buffered(rows) > 0)]

    def looked_at(self, rows: Array) -> Array:
        """Return the tokens that the scores of rows depend on (roles, rows), in spaCy's order."""
        depth = self._depth[rows]
        tops = [self._stack[rows, depth + place] for place in reversed(range(STACK_ROLES))]
        first, second = self._buffer(rows, 0), self._buffer(rows, 1)
        top = tops[0]
        children = (self._left[rows, first], self._left[rows, top], self._right[rows, top])
        return np.stack([first, second, *tops, *children])

    def allowed(self, rows: Array, tokens: Array) -> Array:
        """Return what each row allows, as bits; tokens: those looked at."""
        first, second = tokens[0], tokens[1]
        buffered = self._buffered(rows)
        stacked = self._depth[rows] > 0
        free = ~self._begins[rows, first]
        shift = ~stacked | ((buffered >= 2) & free & ~self._put_back[rows, first])
        breaks = (buffered >= 2) & (second == first + 1) & ~self._begins[rows, second]
        attach = stacked & (buffered > 0) & free
        bits: Array = stacked * MAY_REDUCE + attach * MAY_ATTACH + shift * MAY_SHIFT + breaks * MAY_BREAK
        return bits

    def make(self, rows: Array, tokens: Array, moves: Array, kinds: Array) -> None:
        """Make one move in each row; tokens: those looked at, kinds: of the moves."""
        first, second, top = tokens[0], tokens[1], tokens[2]
        left, right = (kinds == LEFT).nonzero()[0], (kinds == RIGHT).nonzero()[0]
        self._attach_left(rows[left], first[left], top[left], moves[left])
        self._attach_right(rows[right], top[right], first[right], moves[right])
        reduce = (kinds == REDUCE).nonzero()[0]
        self._reduce(rows[reduce], top[reduce])
        broken = (kinds == BREAK).nonzero()[0]
        self._begins[rows[broken], second[broken]] = True
        self._depth[rows[left]] -= 1
        pushed = ((kinds == SHIFT) | (kinds == RIGHT)).nonzero()[0]
        self._push(rows[pushed], first[pushed])

    def _buffered(self, rows: Array) -> Array:
        count: Array = self._lengths[rows] - self._next[rows] + self._returned_count[rows]
        return count

    def _buffer(self, rows: Array, place: int) -> Array:
        count = self._returned_count[rows]
        ahead = self._next[rows] + np.maximum(place - count, 0)
        ahead[ahead >= self._lengths[rows]] = NOTHING
        return np.where(count > place, self._returned[rows, count - 1 - place], ahead)

    def _attach_left(self, rows: Array, head: Array, child: Array, moves: Array) -> None:
        """Attach the top of the stack to the next token; it may lose the head it has."""
        old = self.heads[rows, child]
        lost = old >= 0
        self._right[rows[lost], old[lost]] = self._right_before[rows[lost], child[lost]]
        self.heads[rows, child] = head
        self.arcs[rows, child] = moves
        self._left[rows, head] = child
        self._put_back[rows, head] = False

    def _attach_right(self, rows: Array, head: Array, child: Array, moves: Array) -> None:
        self.heads[rows, child] = head
        self.arcs[rows, child] = moves
        self._right_before[rows, child] = self._right[rows, head]
        self._right[rows, head] = child

    def _reduce(self, rows: Array, top: Array) -> None:
        """Take the top off the stack; without a head and with others below, it goes back to the buffer."""
        back = ((self.heads[rows, top] < 0) & (self._depth[rows] != 1)).nonzero()[0]
        self._depth[rows] -= 1
        rows, top = rows[back], top[back]
        self._put_back[rows, top] = True
        self._returned[rows, self._returned_count[rows]] = top
        self._returned_count[rows] += 1

    def _push(self, rows: Array, token: Array) -> None:
        self._stack[rows, self._depth[rows] + STACK_ROLES] = token
        self._depth[rows] += 1
        returned = self._returned_count[rows] > 0
        self._returned_count[rows[returned]] -= 1
        self._next[rows[~returned]] += 1


def parse_in_step(scores: ParserScores, moves: ParserMoves, vectors: Array, lengths: Array) -> Configurations:
    """Return the finished configurations of texts; lengths: tokens of each, at least one.

    vectors: float32 (tokens of all texts, width), one text after the other.
    """
    table = scores.table(vectors)
    before = np.cumsum(lengths) - lengths
    roles = np.arange(LOOKED_AT)[:, None]
    states = Configurations(lengths)
    rows = np.arange(len(lengths))
    while len(rows):
        tokens = states.looked_at(rows)
        places = np.where(tokens >= 0, tokens + before[rows] + 1, 0)
        found = scores.scores(table, places * LOOKED_AT + roles)
        found += moves.refused[states.allowed(rows, tokens)]
        chosen = found.argmax(axis=1)
        states.make(rows, tokens, chosen, moves.kinds[chosen])
        rows = states.unfinished(rows)
    return states
