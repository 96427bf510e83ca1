"""The named entities of a spaCy model, equal to those of its whole pipeline, with less work.

spaCy's recogniser is a transition system whose scores depend on three tokens only: the next one, the
first of the open entity, and the last of it. So everything outside an entity is scored in one matrix
product, and nothing else of the pipeline matters but the parser's sentence starts, which no entity may
cross: the parser runs only for texts in which some entity has two tokens or more.
Source: spacy/ml/parser_model.pyx and spacy/pipeline/_parser_internals/ner.pyx of spaCy 3.8.
A model of another build goes through its whole pipeline (`is_decodable`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Array = np.ndarray[Any, Any]
BATCH = 64
RECOGNISER = "ner"
NEUTRAL_PIPES = {"tok2vec", "tagger", "morphologizer", "parser", "attribute_ruler", "lemmatizer"}
"""What may stand before the recogniser without bearing on it, but for the parser's sentence starts."""
NEUTRAL_ATTRIBUTES = {"TAG", "POS", "MORPH", "DEP", "LEMMA"}
"""What an attribute ruler may set: none of these is a feature of the recogniser."""
FEATURES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Entities of one text: (first token, token after the last, label), in order."""

    of_tokens: tuple[tuple[int, int, str], ...]

    def longer_than_one(self) -> bool:
        """Return whether some entity has two tokens or more."""
        return any(end - start > 1 for start, end, _ in self.of_tokens)

    def cross(self, starts: Array) -> bool:
        """Return whether an entity runs over a sentence start; starts: bool (tokens)."""
        return any(starts[start + 1 : end].any() for start, end, _ in self.of_tokens)


class EntityTagger:
    """Docs with `ents` set as `nlp(text)` sets them; nothing else of the docs is filled in."""

    def __init__(self, nlp: "Language") -> None:
        self._nlp = nlp
        self._decodes = is_decodable(nlp)
        self._decoder = EntityDecoder(nlp.get_pipe(RECOGNISER)) if self._decodes else None

    def tag(self, texts: Sequence[str]) -> Iterator["Doc"]:
        """Yield one doc a text, in order."""
        for first in range(0, len(texts), BATCH):
            chosen = texts[first : first + BATCH]
            if self._decoder is None:
                yield from self._nlp.pipe(chosen, batch_size=BATCH)
            else:
                yield from self._tag_batch(chosen, self._decoder)

    def _tag_batch(self, texts: Sequence[str], decoder: "EntityDecoder") -> "list[Doc]":
        from spacy.tokens import Span

        docs = [self._nlp.make_doc(text) for text in texts]
        scored = decoder.scored([doc for doc in docs if len(doc)])
        states = iter(scored)
        states_of = [next(states) if len(doc) else None for doc in docs]
        spans = [state.decode(None) if state else Spans(of_tokens=()) for state in states_of]
        long = [index for index, found in enumerate(spans) if found.longer_than_one()]
        for index, starts in zip(long, self._sentence_starts([docs[index] for index in long]), strict=True):
            state = states_of[index]
            if state is not None and spans[index].cross(starts):
                spans[index] = state.decode(starts)
        for doc, found in zip(docs, spans, strict=True):
            doc.set_ents([Span(doc, start, end, label=label) for start, end, label in found.of_tokens])
        return docs

    def _sentence_starts(self, docs: "list[Doc]") -> list[Array]:
        """Return the parser's sentence starts, bool (tokens), of each doc."""
        if not docs or "parser" not in self._nlp.pipe_names:
            return [np.zeros(len(doc), dtype=bool) for doc in docs]
        for name in ("tok2vec", "parser"):
            if name in self._nlp.pipe_names:
                docs = list(self._nlp.get_pipe(name).pipe(docs, batch_size=BATCH))
        return [doc.to_array("SENT_START").astype(np.int64) == 1 for doc in docs]


def is_decodable(nlp: "Language") -> bool:
    """Return whether a pipeline is of the build that `EntityDecoder` reproduces."""
    if RECOGNISER not in nlp.pipe_names:
        return False
    before = nlp.pipe_names[: nlp.pipe_names.index(RECOGNISER)]
    ruled = nlp.get_pipe("attribute_ruler").patterns if "attribute_ruler" in before else []
    attributes = {name for pattern in ruled for name in pattern["attrs"]}
    recogniser: Any = nlp.get_pipe(RECOGNISER)
    model = recogniser.model
    return (
        set(before) <= NEUTRAL_PIPES
        and nlp.pipe_names[-1] == RECOGNISER
        and attributes <= NEUTRAL_ATTRIBUTES
        and recogniser.cfg.get("beam_width") == 1
        and bool(model.attrs.get("has_upper"))
        and not model.attrs.get("unseen_classes")
        and model.get_ref("lower").get_dim("nF") == FEATURES
        and not any(node.name == "tok2vec-listener" for node in model.walk())
    )


class EntityDecoder:
    """The recogniser of a model, decoded here; made once a model."""

    def __init__(self, recogniser: Any) -> None:
        self.model = recogniser.model
        system = recogniser.moves
        self.moves = Moves.of([system.get_class_name(number) for number in range(system.n_moves)])
        self.weights = self.model.get_ref("upper").get_param("W")
        self.bias = self.model.get_ref("upper").get_param("b")

    def scores(self, hidden: Array, weights: Array, bias: Array) -> Array:
        """Return hidden (n, h) times weights (moves, h) plus bias, by the product that spaCy uses."""
        scores: Array = self.model.ops.gemm(hidden, weights, trans2=True) + bias
        return scores

    def scored(self, docs: "list[Doc]") -> "list[ScoredTokens]":
        """Return the scores of every token of each doc, as if no entity were open there."""
        if not docs:
            return []
        lower = self.model.get_ref("lower")
        vectors = self.model.get_ref("tok2vec").predict(docs)
        table = lower.predict(vectors)
        padding, tokens = table[0], table[1:]
        bias = lower.get_param("b").reshape(padding.shape[1:])
        sums = ((tokens[:, 0] + padding[1]) + padding[2]) + bias
        outside = self.scores(sums.max(axis=-1), self.weights, self.bias)
        found: list[ScoredTokens] = []
        place = 0
        for doc in docs:
            end = place + len(doc)
            spaces = doc.to_array("IS_SPACE").astype(bool)
            found.append(
                ScoredTokens(
                    decoder=self,
                    tokens=tokens[place:end],
                    bias=bias,
                    outside=outside[place:end],
                    spaces=spaces,
                )
            )
            place = end
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The recogniser's moves: columns of the score matrix, and what each one does."""

    names: tuple[str, ...]
    begins: Array
    starts: Array
    inside: dict[str, int]
    last: dict[str, int]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Moves":
        """Return the moves by name, as spaCy orders them; `U-` keeps entities set before: there are none."""
        return cls(
            names=tuple(names),
            begins=np.array([index for index, name in enumerate(names) if name.startswith("B-")]),
            starts=np.array([i for i, name in enumerate(names) if name[:1] in "BUO" and name != "U-"]),
            inside={name[2:]: index for index, name in enumerate(names) if name.startswith("I-")},
            last={name[2:]: index for index, name in enumerate(names) if name.startswith("L-")},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredTokens:
    """One text: tokens (n, features, hidden, pieces), scores where no entity is open (n, moves)."""

    decoder: EntityDecoder
    tokens: Array
    bias: Array
    outside: Array
    spaces: Array

    def decode(self, sentence_starts: Array | None) -> Spans:
        """Return the greedy path; sentence_starts: bool (tokens), None where there are none to heed."""
        moves = self.decoder.moves
        best = self._best_outside(sentence_starts)
        found: list[tuple[int, int, str]] = []
        token = 0
        for opening in (best != moves.names.index("O")).nonzero()[0].tolist():
            if opening < token:
                continue
            kind, _, label = moves.names[best[opening]].partition("-")
            token = opening + 1 if kind == "U" else self._end_of(opening, label, sentence_starts)
            found.append((opening, token, label))
        return Spans(of_tokens=tuple(found))

    def _best_outside(self, sentence_starts: Array | None) -> Array:
        """Return the best allowed move of each token where no entity is open (ner.pyx, `is_valid`)."""
        moves = self.decoder.moves
        scores = self.outside.copy()
        allowed = np.full(len(moves.names), -np.inf, dtype=scores.dtype)
        allowed[moves.starts] = 0
        scores += allowed
        no_begin = np.zeros(len(scores), dtype=bool)
        no_begin[-1] = True
        if sentence_starts is not None:
            no_begin[:-1] |= sentence_starts[1:]
        scores[np.ix_(no_begin, moves.begins)] = -np.inf
        best: Array = scores.argmax(axis=1)
        best[self.spaces] = moves.names.index("O")
        return best

    def _end_of(self, start: int, label: str, sentence_starts: Array | None) -> int:
        """Return the token after the last of an entity that begins at `start`."""
        moves = self.decoder.moves
        inside, last = moves.inside[label], moves.last[label]
        weights, bias = self.decoder.weights[[inside, last]], self.decoder.bias[[inside, last]]
        for token in range(start + 1, len(self.tokens) - 1):
            if sentence_starts is not None and sentence_starts[token + 1]:
                return token + 1
            sums = (self.tokens[token, 0] + self.tokens[start, 1]) + self.tokens[token - 1, 2] + self.bias
            stays, ends = self.decoder.scores(sums.max(axis=-1)[None], weights, bias)[0]
            if ends > stays or (ends == stays and last < inside):
                return token + 1
        return len(self.tokens)
