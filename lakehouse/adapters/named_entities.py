"""The named entities of a spaCy model, equal to those of its whole pipeline, with less work.

Of the pipeline nothing bears on its recogniser but the parser's sentence starts, which no entity may
cross: the parser runs only for texts in which some entity has two tokens or more. The recogniser's vectors
and its path are computed here (`token_vectors`, `entity_decoder`), the parser's in `sentence_starts`.
A model of another build goes through its whole pipeline (`is_decodable`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lakehouse.adapters.entity_decoder import Entity, EntityDecoder
from lakehouse.adapters.sentence_starts import SentenceReader
from lakehouse.adapters.token_vectors import encoder_of

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Array = np.ndarray[Any, Any]
TEXTS_AT_ONCE = 256
SIGNS_AT_ONCE = 50_000
"""Characters of a batch: a batch holds one text, or more whose characters together are no more than this."""
RECOGNISER = "ner"
ARRAYS = "numpy"
"""The arrays that our own steps work on; on others (a graphics card's) a model runs its whole pipeline."""
NEUTRAL_PIPES = {"tok2vec", "tagger", "morphologizer", "parser", "attribute_ruler", "lemmatizer"}
"""What may stand before the recogniser without bearing on it, but for the parser's sentence starts."""
NEUTRAL_ATTRIBUTES = {"TAG", "POS", "MORPH", "DEP", "LEMMA"}
"""What an attribute ruler may set: none of these is a feature of the recogniser."""
FEATURES = 3


class EntityTagger:
    """Docs with `ents` set as `nlp(text)` sets them; nothing else of the docs is filled in."""

    def __init__(self, nlp: "Language") -> None:
        self._nlp = nlp
        self._reader = EntityReader(nlp) if is_decodable(nlp) else None

    def tag(self, texts: Sequence[str]) -> Iterator["Doc"]:
        """Yield one doc a text, in order."""
        for batch in _batches(texts):
            if self._reader is None:
                yield from self._nlp.pipe(batch, batch_size=len(batch))
            else:
                yield from self._reader.read([self._nlp.make_doc(text) for text in batch])


class EntityReader:
    """The recogniser of a model that `is_decodable`, and the parser it may need."""

    def __init__(self, nlp: "Language") -> None:
        recogniser: Any = nlp.get_pipe(RECOGNISER)
        encode, _, self._narrow = recogniser.model.get_ref("tok2vec").layers
        self._encode = encoder_of(encode)
        self._decoder = EntityDecoder(recogniser)
        self._sentences = SentenceReader(nlp)

    def read(self, docs: "list[Doc]") -> "list[Doc]":
        """Return the docs with their entities set."""
        from spacy.tokens import Span

        full = [doc for doc in docs if len(doc)]
        for doc, found in zip(full, self.entities(full) if full else (), strict=True):
            doc.set_ents([Span(doc, start, end, label=label) for start, end, label in found])
        return docs

    def entities(self, docs: "list[Doc]") -> list[list[Entity]]:
        """Return the entities of each doc; no doc is empty."""
        bounds = np.cumsum([0, *(len(doc) for doc in docs)])
        lasts = np.zeros(bounds[-1], dtype=bool)
        lasts[bounds[1:] - 1] = True
        spaces = np.concatenate([doc.to_array("IS_SPACE") for doc in docs]).astype(bool)
        vectors = self._narrow.predict(self._encode(docs))
        scored = self._decoder.scored(vectors, lasts, spaces)
        places = [slice(*ends) for ends in pairwise(bounds.tolist())]
        found = by_text(scored.entities(None), bounds)
        long = [number for number, entities in enumerate(found) if has_several_tokens(entities)]
        for number, starts in zip(long, self._sentences.starts([docs[n] for n in long]), strict=True):
            if crosses(found[number], starts):
                found[number] = scored.part(places[number]).entities(starts)
        return found


def is_decodable(nlp: "Language") -> bool:
    """Return whether a pipeline is of the build that `EntityReader` reproduces."""
    if RECOGNISER not in nlp.pipe_names:
        return False
    before = nlp.pipe_names[: nlp.pipe_names.index(RECOGNISER)]
    ruled = nlp.get_pipe("attribute_ruler").patterns if "attribute_ruler" in before else []
    attributes = {name for pattern in ruled for name in pattern["attrs"]}
    recogniser: Any = nlp.get_pipe(RECOGNISER)
    model = recogniser.model
    return (
        model.ops.name == ARRAYS
        and set(before) <= NEUTRAL_PIPES
        and nlp.pipe_names[-1] == RECOGNISER
        and attributes <= NEUTRAL_ATTRIBUTES
        and recogniser.cfg.get("beam_width") == 1
        and bool(model.attrs.get("has_upper"))
        and not model.attrs.get("unseen_classes")
        and model.get_ref("lower").get_dim("nF") == FEATURES
        and not any(node.name == "tok2vec-listener" for node in model.walk())
        and [layer.name for layer in model.get_ref("tok2vec").layers[1:]] == ["list2array", "linear"]
    )


def has_several_tokens(entities: Sequence[Entity]) -> bool:
    """Return whether some entity has two tokens or more: only such a one can cross a sentence start."""
    return any(end - start > 1 for start, end, _ in entities)


def crosses(entities: Sequence[Entity], starts: Array) -> bool:
    """Return whether an entity runs over a sentence start; starts: bool (tokens)."""
    return any(starts[start + 1 : end].any() for start, end, _ in entities)


def by_text(entities: Sequence[Entity], bounds: Array) -> list[list[Entity]]:
    """Return the entities of each text, counted from its first token; bounds: first tokens, and the end."""
    found: list[list[Entity]] = [[] for _ in bounds[1:]]
    texts = np.searchsorted(bounds, [start for start, _, _ in entities], side="right") - 1
    for text, (start, end, label) in zip(texts.tolist(), entities, strict=True):
        first = int(bounds[text])
        found[text].append((start - first, end - first, label))
    return found


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    signs = 0
    for text in texts:
        if batch and (len(batch) == TEXTS_AT_ONCE or signs + len(text) > SIGNS_AT_ONCE):
            yield batch
            batch, signs = [], 0
        batch.append(text)
        signs += len(text)
    if batch:
        yield batch
