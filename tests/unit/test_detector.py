import socket

import pytest

from lakehouse.adapters.presidio_detector import Detector, Finding
from lakehouse.errors import NotReady


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize(
    ("cell", "entity"),
    [
        ("999-70-9491", "US_SSN"),
        ("555-222-8465", "PHONE_NUMBER"),
        ("+49 30 1234567", "PHONE_NUMBER"),
        ("ann.conroy@example.org", "EMAIL_ADDRESS"),
        ("8de41d0d-0ae7-4cb6-97e2-900b07a1e4f7", "RECORD_ID"),
        ("GaPt03", "RECORD_ID"),
        ("gapt03_01", "RECORD_ID"),
        ("MRN: 4471923", "RECORD_ID"),
        ("S99985920", "RECORD_ID"),
        ("656 Connelly Bridge Unit 95", "STREET_ADDRESS"),
        ("1975-10-26", "DATE_TIME"),
        ("10/26/1975", "DATE_TIME"),
        ("4012888888881881", "CREDIT_CARD"),
    ],
)
def test_identifiers_in_cells_are_found(detector, cell, entity):
    """One finding of the kind, with a place and no value."""
    findings = detector.find_in_cells([cell])
    assert entity in {finding.entity for finding in findings}
    assert all(cell not in repr(finding) for finding in findings)


@pytest.mark.parametrize(
    "cell",
    [
        "8302-2",
        "446096008",
        "80+",
        "60-79",
        "control",
        "http://loinc.org",
        "10*3/uL",
        "0.9371",
        "2.5",
        "",
        None,
    ],
)
def test_codes_bands_and_numbers_are_nothing(detector, cell):
    """LOINC and SNOMED codes, age bands, units and measurements are not personal data."""
    assert detector.find_in_cells([cell]) == []


def test_a_value_that_occurs_often_is_looked_at_once(detector):
    """Distinct values only: a thousand equal cells give one finding."""
    assert len(detector.find_in_cells(["GaPt03"] * 1000)) == 1


def test_people_places_and_dates_in_a_note(detector):
    """The model's names and places beside our patterns, by place in the text."""
    note = "Anna Conroy lives at 656 Connelly Bridge in Boston since March 3, 2019; MRN: 4471923."
    (findings,) = detector.find_in_texts([note])
    found = {(finding.entity, note[finding.start : finding.end]) for finding in findings}
    assert {
        ("PERSON", "Anna Conroy"), ("LOCATION", "Boston"), ("DATE_TIME", "March 3, 2019"),
        ("RECORD_ID", "4471923"), ("STREET_ADDRESS", "656 Connelly Bridge"),
    } <= found  # fmt: skip
    assert [finding.start for finding in findings] == sorted(finding.start for finding in findings)


@pytest.mark.parametrize("note", ["The wife Helena can be reached.", "Seen by Dr. Okonkwo-Lind today."])
def test_a_name_after_a_relative_or_a_title_needs_no_model(detector, note):
    """The small model misses some of these; the word before says that a name follows."""
    (findings,) = detector.find_in_texts([note])
    names = {note[finding.start : finding.end] for finding in findings if finding.entity == "PERSON"}
    assert names & {"Helena", "Okonkwo-Lind"}


def test_how_often_is_no_date(detector):
    """`daily` and `last week` hold nothing of a calendar and stay."""
    assert detector.find_in_texts(["Aspirin daily; worse last week."]) == [[]]


def test_empty_texts_have_no_findings(detector):
    """Null and empty are answered without the model; equal texts get equal answers."""
    assert detector.find_in_texts([None, ""]) == [[], []]
    first, second = detector.find_in_texts(["Anna Conroy called.", "Anna Conroy called."])
    assert first == second != []


def test_a_long_text_is_read_in_pieces(detector):
    """A name far behind the first piece is found at its place in the whole text."""
    text = "walked well. " * 5000 + "Call 555-222-8465 now."
    (findings,) = detector.find_in_texts([text])
    assert {text[finding.start : finding.end] for finding in findings} == {"555-222-8465"}


def test_detection_needs_no_network(monkeypatch):
    """Any connection attempt fails the test: models and lists are local."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    offline = Detector()
    assert offline.find_in_cells(["ann.conroy@example.org"])
    assert offline.find_in_texts(["Write to ann.conroy@example.org, see www.example.org."])[0]


def test_a_missing_model_is_not_ready():
    """Exit code 3 with the command that helps; nothing is downloaded."""
    with pytest.raises(NotReady, match="is not installed"):
        Detector({"en": "en_core_web_none"}).find_in_texts(["Anna"])


def test_the_digest_changes_with_the_model():
    """Reports name what detected; another model is another detector."""
    assert Detector().digest == Detector().digest != Detector({"en": "other"}).digest
    assert Finding.__slots__ == ("entity", "start", "end", "score", "detector", "version", "reason")
