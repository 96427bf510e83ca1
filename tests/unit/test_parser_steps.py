"""Many texts parsed in step have the heads that spaCy's parser gives each of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.adapters.language_models import DEFAULT_MODELS, plain_engine
from lakehouse.adapters.parser_steps import NOTHING, Configurations, parse_in_step
from lakehouse.adapters.sentence_starts import WORTH_A_STEP, SentenceReader, is_known, longest_in_step

WIDTH = 96


@pytest.fixture(scope="module", params=["en", "fr"])
def nlp(request):
    return plain_engine(DEFAULT_MODELS[request.param], request.param).get_nlp(request.param)


def arcs_of_spacy(nlp, docs, vectors):
    """Head and label of every token of each doc, straight from the parser's states."""
    for doc, tensor in zip(docs, vectors, strict=True):
        doc.tensor = tensor
    states = nlp.get_pipe("parser").predict(docs)
    return [
        {arc["child"]: (arc["head"], nlp.vocab.strings[arc["label"]]) for arc in state.arcs}
        for state in states
    ]


def arcs_in_step(reader, vectors):
    """The same of ours."""
    lengths = np.array([len(tensor) for tensor in vectors])
    states = parse_in_step(
        reader._scores, reader._moves, reader._narrow.predict(np.concatenate(vectors)), lengths
    )
    return [
        {
            token: (int(states.heads[row, token]), reader._moves.labels[states.arcs[row, token]])
            for token in range(length)
            if states.heads[row, token] != NOTHING
        }
        for row, length in enumerate(lengths)
    ]


def made_up(nlp, seed, scale, longest=40, texts=30):
    """Docs of any length, and vectors such as no text has: they lead through every kind of move."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(1, longest, texts)
    docs = [nlp.make_doc(" ".join(["word"] * length)) for length in lengths]
    return docs, [(chance.standard_normal((n, WIDTH)) * scale).astype(np.float32) for n in lengths]


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([0.3, 1.0, 3.0, 10.0]))
def test_any_vectors_give_the_arcs_of_spacy(nlp, seed, scale):
    """Heads and labels of thirty made-up texts: tokens put back, arcs lost, sentences broken anywhere."""
    docs, vectors = made_up(nlp, seed, scale)
    assert arcs_in_step(SentenceReader(nlp), vectors) == arcs_of_spacy(nlp, docs, vectors)


@pytest.mark.parametrize("slip", ["_attach_left", "_reduce", "_buffer", "allowed"])
def test_each_slip_gives_other_arcs(nlp, slip, monkeypatch):
    """The broken variants: a lost arc kept, nothing put back, a buffer one off, no break."""
    whole = getattr(Configurations, slip)

    def forgets_lost_arc(self, rows, head, child, moves):
        self.heads[rows, child] = NOTHING
        whole(self, rows, head, child, moves)

    def puts_nothing_back(self, rows, top):
        self._depth[rows] -= 1

    def sees_one_further(self, rows, place):
        return whole(self, rows, place + 1 if place else place)

    def never_breaks(self, rows, tokens):
        return whole(self, rows, tokens) & 7

    broken = {
        "_attach_left": forgets_lost_arc,
        "_reduce": puts_nothing_back,
        "_buffer": sees_one_further,
        "allowed": never_breaks,
    }
    monkeypatch.setattr(Configurations, slip, broken[slip])
    docs, vectors = made_up(nlp, 1, 1.0)
    assert arcs_in_step(SentenceReader(nlp), vectors) != arcs_of_spacy(nlp, docs, vectors)


def test_sentence_starts_are_those_of_the_pipeline(nlp):
    """Thirty texts, one of them by far the longest, which spaCy's own parser takes."""
    texts = [f"{'Ann walks well. ' * (number % 5 + 1)}He, says Dr. Conroy," for number in range(30)]
    texts.append("Mme Legrand est sortie. " * 60)
    docs = [nlp.make_doc(text) for text in texts]
    found = SentenceReader(nlp).starts(docs)
    assert len(docs[-1]) > longest_in_step([len(doc) for doc in docs])
    assert [starts.tolist() for starts in found] == [
        [bool(token.is_sent_start) for token in nlp(text)] for text in texts
    ]


def test_few_texts_are_not_worth_a_step():
    """Below two dozen none; else those up to twice the length of the twenty-fourth longest."""
    assert longest_in_step([5] * (WORTH_A_STEP - 1)) == 0
    assert longest_in_step([900, *[5] * WORTH_A_STEP]) == 10


def test_a_parser_of_another_build_runs_itself(nlp):
    """A beam is not the greedy path: such a pipeline is not taken for one that is known."""
    parser = nlp.get_pipe("parser")
    assert is_known(nlp)
    parser.cfg["beam_width"] = 4
    try:
        assert not is_known(nlp)
    finally:
        parser.cfg["beam_width"] = 1
