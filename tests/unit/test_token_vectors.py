"""The vectors of a language model are computed with less work and stay the same, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.adapters.language_models import DEFAULT_MODELS, plain_engine
from lakehouse.adapters.token_vectors import FACTOR, TokenEncoder, distinct_rows, encoder_of, is_known

WORDS = ("Ann", "walks", "well", ",", "le", "12/03/1952", "\n", "don't", "é" * 40, "", " ", ".")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join).filter(str.strip)


@pytest.fixture(scope="module", params=["en", "fr"])
def nlp(request):
    return plain_engine(DEFAULT_MODELS[request.param], request.param).get_nlp(request.param)


def models_of(nlp):
    return [nlp.get_pipe("tok2vec").model, nlp.get_pipe("ner").model.get_ref("tok2vec").layers[0]]


@settings(max_examples=25)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_vectors_are_those_of_the_model_for_each_text_alone(nlp, texts):
    """Whatever stands beside a text in its batch: every bit is that of the model on the text by itself."""
    docs = [nlp.make_doc(text) for text in texts]
    for model in models_of(nlp):
        alone = np.concatenate([model.predict([doc])[0] for doc in docs])
        assert np.array_equal(encoder_of(model)(docs), alone)


def test_texts_longer_than_what_is_read_at_once_have_them_too(nlp):
    """A text of 3,000 tokens between two short ones."""
    docs = [nlp.make_doc(text) for text in ("Ann", "Ann Conroy walks. " * 750, "12 rue de la Paix")]
    for model in models_of(nlp):
        assert np.array_equal(encoder_of(model)(docs), np.concatenate(model.predict(docs)))


def test_one_weight_changed_would_be_seen(nlp):
    """The broken variant: a window whose norm is a trifle off has other vectors."""
    docs = [nlp.make_doc("Ann Conroy walks well")]
    for model in models_of(nlp):
        encoder = TokenEncoder(model)
        first = encoder._windows[0]
        encoder._windows[0] = replace(first, scale=first.scale * np.float32(1.000001))
        assert not np.array_equal(encoder(docs), model.predict(docs)[0])


def test_a_model_of_another_build_computes_its_own(nlp):
    """Without its last step the model's layers are not those that are known."""
    from thinc.api import chain

    model = models_of(nlp)[0]
    other = chain(model, model.layers[1])
    docs = [nlp.make_doc("Ann Conroy"), nlp.make_doc("walks")]
    assert is_known(model)
    assert not is_known(other)
    assert np.array_equal(encoder_of(other)(docs), np.concatenate(other.predict(docs)))


def test_rows_that_share_a_number_are_told_apart():
    """Equal rows are one; where two that differ share their number, each row counts as distinct."""
    rows = np.array([[1, 2], [3, 4], [1, 2]], dtype=np.uint64)
    firsts, places = distinct_rows(rows)
    assert len(firsts) == 2
    assert np.array_equal(rows[firsts[places]], rows)
    sharing = np.array([[int(FACTOR), 0], [0, 1], [0, 1]], dtype=np.uint64)
    firsts, places = distinct_rows(sharing)
    assert len(firsts) == 3
    assert np.array_equal(sharing[firsts[places]], sharing)
