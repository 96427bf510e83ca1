"""Where a language model's parser begins sentences, equal to those of spaCy's pipeline.

Many texts are parsed in step (`parser_steps`); few texts, the longest by far, and models of another build go
through spaCy's own parser, which takes them one by one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse.adapters.parser_steps import LOOKED_AT, ParserMoves, ParserScores, parse_in_step
from lakehouse.adapters.token_vectors import encoder_of

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Array = np.ndarray[Any, Any]
ENCODER, PARSER = "tok2vec", "parser"
WORTH_A_STEP = 24
"""Texts that a step must have to cost less than the same moves in spaCy's parser."""
LISTENING = ("tok2vec-listener", "list2array", "linear")


class SentenceReader:
    """The parser of a pipeline and the vectors it listens to."""

    def __init__(self, nlp: "Language") -> None:
        self._nlp = nlp
        self._parses = PARSER in nlp.pipe_names
        self._in_step = is_known(nlp)
        if self._in_step:
            parser: Any = nlp.get_pipe(PARSER)
            encoder: Any = nlp.get_pipe(ENCODER)
            names = [parser.moves.get_class_name(number) for number in range(parser.moves.n_moves)]
            self._moves = ParserMoves.of(names)
            self._dependencies = np.array([nlp.vocab.strings[name] for name in self._moves.labels], np.uint64)
            self._root = np.uint64(nlp.vocab.strings["ROOT"])
            self._encode = encoder_of(encoder.model)
            self._narrow = parser.model.get_ref("tok2vec").layers[2]
            self._scores = ParserScores(parser.model)

    def starts(self, docs: "Sequence[Doc]") -> list[Array]:
        """Return which tokens begin a sentence, bool (tokens), of each doc; docs are fresh, none empty."""
        if not self._parses:
            return [np.zeros(len(doc), dtype=bool) for doc in docs]
        limit = longest_in_step([len(doc) for doc in docs]) if self._in_step else 0
        self._parse_in_step([doc for doc in docs if len(doc) <= limit])
        self._parse_alone([doc for doc in docs if len(doc) > limit])
        return [doc.to_array("SENT_START").astype(np.int64) == 1 for doc in docs]

    def _parse_alone(self, docs: "list[Doc]") -> None:
        for name in (ENCODER, PARSER):
            if docs and name in self._nlp.pipe_names:
                docs = list(self._nlp.get_pipe(name).pipe(docs, batch_size=len(docs)))

    def _parse_in_step(self, docs: "list[Doc]") -> None:
        from spacy.attrs import DEP, HEAD
        from spacy.pipeline._parser_internals.nonproj import deprojectivize

        if not docs:
            return
        lengths = np.array([len(doc) for doc in docs])
        states = parse_in_step(self._scores, self._moves, self._narrow.predict(self._encode(docs)), lengths)
        attached = states.heads >= 0
        away = np.where(attached, states.heads - np.arange(states.heads.shape[1]), 0)
        names = np.where(attached, self._dependencies[states.arcs], self._root)
        for doc, row_away, row_names in zip(docs, away, names, strict=True):
            arcs = np.stack([row_away[: len(doc)].astype(np.uint64), row_names[: len(doc)]], axis=1)
            doc.from_array([HEAD, DEP], arcs)
            deprojectivize(doc)


def is_known(nlp: "Language") -> bool:
    """Return whether a pipeline's parser is of the build that `parser_steps` reproduces."""
    if not {ENCODER, PARSER} <= set(nlp.pipe_names):
        return False
    parser: Any = nlp.get_pipe(PARSER)
    model = parser.model
    return (
        parser.cfg.get("beam_width") == 1
        and not parser.cfg.get("learn_tokens")
        and bool(model.attrs.get("has_upper"))
        and not model.attrs.get("unseen_classes")
        and model.get_ref("lower").get_dim("nF") == LOOKED_AT
        and tuple(layer.name for layer in model.get_ref("tok2vec").layers) == LISTENING
    )


def longest_in_step(lengths: Sequence[int]) -> int:
    """Return the longest text that is worth parsing in step; 0 where none is, as there are too few.

    Near the end of the longest text the others are finished: steps there move few texts.
    """
    if len(lengths) < WORTH_A_STEP:
        return 0
    return 2 * sorted(lengths, reverse=True)[WORTH_A_STEP - 1]
