import unicodedata
from collections import Counter
from datetime import date

import pyarrow as pa
import pytest
import regex
from handled_columns import FoundPlaces, column, context, secrets_of
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.adapters.presidio_detector import Detector
from lakehouse.errors import ContractError
from lakehouse.methods.own_identifiers import fold_text, folded_words, identifier_pattern, may_hold
from lakehouse.methods.redact import apply
from lakehouse.methods.shift_dates import days_of_shift
from lakehouse.methods.text_dates import shift_text_date


def redacted(text, *found, identifiers=(), subject="ann"):
    around = context([subject], detector=FoundPlaces(*found), identifiers={"ann": tuple(identifiers)})
    return apply(pa.array([text]), column("redact"), around)


def test_findings_are_replaced_by_their_kind():
    """Each kind has its mark, and the counts say how often it was found."""
    made = redacted("Ann, 555-0100, called.", ("PERSON", "Ann"), ("PHONE_NUMBER", "555-0100"))
    assert made.values[0].as_py() == "<PERSON>, <PHONE>, called."
    assert made.findings == {"PERSON": 1, "PHONE_NUMBER": 1}


@pytest.mark.parametrize(
    ("identifier", "text", "expected"),
    [
        ("Conroy", "CONROY's and conroy", "<IDENTIFIER>'s and <IDENTIFIER>"),
        ("Conroy", "Conroys live here", "Conroys live here"),
        ("Straße", "STRASSE and strasse", "<IDENTIFIER> and <IDENTIFIER>"),
        ("656 Connelly Bridge", "at 656  connelly\nbridge now", "at <IDENTIFIER> now"),
        ("Li", "Li took lithium; li did not", "<IDENTIFIER> took lithium; li did not"),
        ("José", "Jose\u0301 came", "<IDENTIFIER> came"),
        ("a.c", "abc is not a.c", "abc is not <IDENTIFIER>"),
        ("X", "X marks it", "X marks it"),
    ],
)
def test_a_persons_own_identifiers_go_whatever_their_case(identifier, text, expected):
    """Whole words, folded case, any white space, any Unicode form; a single letter is no identifier."""
    assert redacted(text, identifiers=[identifier]).values[0].as_py() == expected


LIGATURES = {
    "ff": "\ufb00",
    "fi": "\ufb01",
    "fl": "\ufb02",
    "ffi": "\ufb03",
    "ffl": "\ufb04",
    "st": "\ufb06",
    "ss": "ß",
}


@pytest.mark.parametrize("letters", LIGATURES)
@pytest.mark.parametrize("others", [(), ("{}scherin",), ("Anna",)], ids=["alone", "one beginning", "another"])
def test_a_name_in_ligatures_is_the_name(letters, others):
    """Texts taken out of PDF have them; whether a person has one identifier or more decides nothing."""
    own = [f"{letters}scher", *(other.format(letters) for other in others)]
    for text in (f"Frau {LIGATURES[letters]}scher war da", f"{LIGATURES[letters].upper()}SCHER"):
        assert identifier_pattern(own).search(text), ascii(text)


@given(st.text("abeißfSst\u00e9\u00fc\ufb01\ufb02\ufb00\ufb06", min_size=3, max_size=8))
def test_an_identifier_is_found_as_it_is_written_and_in_any_case(identifier):
    pattern = identifier_pattern([identifier])
    for text in (identifier, identifier.upper(), identifier.casefold()):
        assert pattern.search(unicodedata.normalize("NFC", text)), ascii(identifier)


def test_without_an_alternative_that_never_matches_a_ligature_hides_a_name():
    """The broken variant, and the fault of `regex` that makes it one."""
    pattern = identifier_pattern(["Fischer"])
    assert pattern.search("Frau \ufb01scher")
    assert not regex.compile(pattern.pattern.replace("(?!)|", ""), regex.FULLCASE).search("Frau \ufb01scher")


def test_a_redaction_that_only_lowers_case_misses_the_folded_form():
    """The broken variant: `lower()` does not make straße and STRASSE one word, case folding does."""
    assert "straße".lower() not in "STRASSE 5".lower()
    assert identifier_pattern(["straße"]).search("STRASSE 5")


def test_another_persons_identifiers_stay_unless_they_are_found():
    """Only the subject's own identifiers are looked for."""
    assert redacted("Conroy", identifiers=["Conroy"], subject="ben").values[0].as_py() == "Conroy"


def test_one_text_about_two_people_loses_each_ones_own_identifier():
    """Texts are searched once, however often they stand there; whose each is decides what else goes."""
    around = context(
        ["ann", "ben", None], detector=FoundPlaces(("PERSON", "Dr. Lee")),
        identifiers={"ann": ("Conroy", "Miller-9"), "ben": ("Ames",)},
    )  # fmt: skip
    made = apply(pa.array(["Conroy met Ames and Dr. Lee."] * 3), column("redact"), around)
    assert made.values.to_pylist() == [
        "<IDENTIFIER> met Ames and <PERSON>.",
        "Conroy met <IDENTIFIER> and <PERSON>.",
        "Conroy met Ames and <PERSON>.",
    ]
    assert made.findings == {"IDENTIFIER": 2, "PERSON": 3}


TEXTS = st.sampled_from([None, "", "Conroy met AMES", "On 2021-03-03 Ames", "2021-03-03 ", "x" * 1001])
TAGS = st.sampled_from(["en", "fr", "tlh", None])


@given(rows=st.lists(st.tuples(TEXTS, st.sampled_from(["ann", "ben", None]), TAGS), max_size=8))
def test_a_column_is_redacted_as_each_of_its_texts_alone(rows):
    """Searched once for all who have it, a text comes out as if it stood alone: values, reasons, counts."""
    detector = FoundPlaces(("DATE_TIME", "2021-03-03"), ("PERSON", "met AMES"))
    own = {"ann": ("Conroy",), "ben": ("Ames", "Conroy Ames")}

    def made(chosen):
        texts, subjects, tags = ([row[n] for row in chosen] for n in range(3))
        around = context(subjects, detector, own, tongue=pa.array(tags, pa.string()))
        return apply(pa.array(texts, pa.string()), column("redact", language="tongue"), around)

    together, alone = made(rows), [made([row]) for row in rows]
    assert together.values.to_pylist() == [one.values[0].as_py() for one in alone]
    assert together.rejected == {n: one.rejected[0] for n, one in enumerate(alone) if one.rejected}
    assert together.findings == sum((Counter(one.findings) for one in alone), Counter())


def test_dates_in_text_move_like_all_dates_of_the_person():
    """By the same number of days as shift_dates; what cannot be read as a date becomes <DATE>."""
    days = days_of_shift(secrets_of("ann"), ["ann"])["ann"]
    moved = date.fromordinal(date(2021, 3, 3).toordinal() + days)
    made = redacted("On 2021-03-03 and last June.", ("DATE_TIME", "2021-03-03"), ("DATE_TIME", "last June"))
    assert made.values[0].as_py() == f"On {moved.isoformat()} and <DATE>."


def test_a_number_that_is_also_a_record_id_is_no_date():
    """Where a date and another finding overlap, the other one names the mark, over both."""
    made = redacted("MRN 4471923.", ("DATE_TIME", "4471923"), ("RECORD_ID", "MRN 4471923"))
    assert made.values[0].as_py() == "<ID>."


def test_no_text_stays_no_text():
    """Null is not found in and stays null."""
    assert redacted(None, identifiers=["Conroy"]).values.to_pylist() == [None]


def test_a_language_column_that_is_not_there_is_named():
    """The contract's mistake is said with its key."""
    with pytest.raises(ContractError, match="language"):
        apply(pa.array(["x"]), column("redact", language="tongue"), context(["ann"]))


def test_a_text_without_a_model_for_its_language_is_refused():
    """Unstated, unknown or without a model: no text leaves, with its reason; `fr-CA` is French."""
    around = context(["ann"] * 5, detector=FoundPlaces(), tongue=["en", None, "tlh", "de", "fr-CA"])
    made = apply(pa.array(["a", "b", "c", "d", "e"]), column("redact", language="tongue"), around)
    assert made.values.to_pylist() == ["a", None, None, None, "e"]
    assert made.rejected == dict.fromkeys((1, 2, 3), "language_not_supported")


def test_a_text_without_spaces_is_refused():
    """spaCy would take minutes over 50,000 such signs; a script that has no spaces is another matter."""
    around = context(["ann"] * 3, detector=FoundPlaces())
    made = apply(pa.array(["pain " + "$" * 1000, "pain " * 1000, "痛" * 1000]), column("redact"), around)
    assert made.rejected == {0: "unbroken_text"}
    assert made.values.is_null().to_pylist() == [True, False, False]


def test_a_redaction_that_reads_every_language_as_english_leaves_a_date():
    """The broken variant: a date in French words is nothing to the English model and rules."""
    note = "née le douze mars mille neuf cent cinquante, vue ce jour"
    words = "douze mars mille neuf cent cinquante"
    french, english = (Detector().find_in_texts([note], language)[0] for language in ("fr", "en"))
    assert words in {note[found.start : found.end] for found in french}
    assert not any(found.end > note.index("douze") for found in english)


def test_a_french_date_in_words_stays_french():
    """Day first, in its own language, whatever the contract says of other dates."""
    assert shift_text_date("1er mars 2021", 10, day_first=False) == "11 mars 2021"
    assert shift_text_date("25 décembre 2020", 10, day_first=False) == "4 janvier 2021"
    assert shift_text_date("25 AOUT 2020", 10, day_first=False) == "4 SEPTEMBRE 2020"


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("2021-03-03", "2021-03-13"),
        ("2021-03-03T10:00:00Z", "2021-03-13T10:00:00Z"),
        ("03/03/2021", "03/13/2021"),
        ("3/3/21", "3/13/21"),
        ("25/12/2020", "04/01/2021"),
        ("03.04.2021", "13.04.2021"),
        ("March 3, 2021", "March 13, 2021"),
        ("Mar 25, 2021", "Apr 4, 2021"),
        ("May 25, 2021", "June 4, 2021"),
        ("3rd of March 2021", "13 of March 2021"),
        ("25 Dec 2020", "4 Jan 2021"),
        ("30/30/2021", None),
        ("June 2021", None),
        ("45 years old", None),
        ("9999-12-31", None),
    ],
)
def test_a_date_keeps_its_form(text, moved):
    """Ten days on, written as it was; month first unless the number says otherwise."""
    assert shift_text_date(text, 10, day_first=False) == moved


def test_day_first_is_the_contracts_choice():
    """03/04/2021 is the third of April where the clinic writes so."""
    assert shift_text_date("03/04/2021", 1, day_first=True) == "04/04/2021"
    assert shift_text_date("03/04/2021", 1, day_first=False) == "03/05/2021"


TRICKY = "iI\u0130\u0131ss\u00df\u1e9e\u017fS\ufb01fK\u212a\u00e5\u212b\u03a3\u03c2\u03c3 e\u0301-."


@given(
    text=st.text(st.sampled_from(TRICKY), max_size=12),
    identifier=st.text(st.sampled_from(TRICKY), min_size=2, max_size=5),
)
@settings(max_examples=2_000)
def test_no_identifier_is_passed_over_that_the_pattern_would_find(text, identifier):
    """Texts are asked for words without case first; what regex finds in any case must pass that gate."""
    pattern = identifier_pattern([identifier])
    if pattern and pattern.search(unicodedata.normalize("NFC", text)):
        assert may_hold(fold_text(unicodedata.normalize("NFC", text)), folded_words(identifier))
