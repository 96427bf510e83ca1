"""A text whose search is given up for the time it takes is never taken for clean; here it really takes it."""

from dataclasses import replace

import pyarrow as pa
import pytest
from handled_columns import column, context
from presidio_analyzer import Pattern, pattern_recognizer
from presidio_analyzer.predefined_recognizers import IbanRecognizer
from presidio_analyzer.predefined_recognizers.generic import iban_recognizer

from lakehouse.adapters import bounded_searches, presidio_detector, recognizers
from lakehouse.adapters.bounded_searches import BoundedIbanRecognizer, SearchTimedOut
from lakehouse.adapters.detection_patterns import PATTERNS
from lakehouse.adapters.presidio_detector import UNSEARCHED, Detector
from lakehouse.methods.redact import apply

ENDLESS = r"(?:\w|\w\w)+\d!"
"""Tries 2^40 ways to cut a word of 40 letters before it finds that no digit follows."""
SLOW = f"ward-7 {'a' * 40}!"
SECONDS = 0.3


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Detector:
    """A detector with one pattern more, which meets its match in SLOW."""
    endless = replace(PATTERNS[0], entity="PERSON", name="endless", regex=ENDLESS, needs="!")
    monkeypatch.setattr(recognizers, "PATTERNS", (*PATTERNS, endless))
    monkeypatch.setattr(bounded_searches, "SEARCH_SECONDS", SECONDS)
    return Detector()


@pytest.fixture
def trusting(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> Detector:
    """The broken variant: Presidio's recognizers as they are, which only log that they gave up."""
    monkeypatch.setattr(bounded_searches, "bound_searches", lambda recognizer: recognizer)
    monkeypatch.setattr(pattern_recognizer, "REGEX_TIMEOUT_SECONDS", SECONDS)
    return detector


def entities(findings: "list[presidio_detector.Finding]") -> list[tuple[str, int, int]]:
    return [(found.entity, found.start, found.end) for found in findings]


def test_a_cell_is_one_finding_from_end_to_end_and_others_are_searched(detector: Detector) -> None:
    found = detector.find_by_value([SLOW, "ann@example.org", "ward-7"])
    assert entities(found.pop(SLOW)) == [(UNSEARCHED, 0, len(SLOW))]
    assert [findings[0].entity for findings in found.values()] == ["EMAIL_ADDRESS"]


def test_presidio_alone_takes_the_cell_for_clean(trusting: Detector) -> None:
    assert trusting.find_by_value([SLOW]) == {}


def test_a_text_is_one_finding_wherever_in_it_the_search_was_given_up(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other pieces are not searched any more, and none of their findings stands for the whole."""
    monkeypatch.setattr(presidio_detector, "PIECE_LENGTH", 60)
    long = f"Call 555-222-8465 today, please. {'On the ward. ' * 6}{SLOW} Call 555-222-8465."
    late, other = detector.find_in_texts([long, "Call 555-222-8465 today."])
    assert entities(late) == [(UNSEARCHED, 0, len(long))]
    assert late[0].detector == "endless" and SLOW not in late[0].reason
    assert [found.entity for found in other] == ["PHONE_NUMBER"]


def test_redaction_refuses_the_text_and_counts_it(detector: Detector) -> None:
    made = apply(pa.array([SLOW, "All is well."]), column("redact"), context(["ann"] * 2, detector=detector))
    assert made.rejected == {0: "search_timed_out"}
    assert (made.values.to_pylist(), made.findings) == ([None, "All is well."], {})


def test_with_presidio_alone_it_would_pass_as_it_is(trusting: Detector) -> None:
    made = apply(pa.array([SLOW]), column("redact"), context(["ann"], detector=trusting))
    assert (made.rejected, made.values.to_pylist()) == ({}, [SLOW])


def test_the_recognizer_of_accounts_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It compiles its patterns itself, so they are searched before it is asked."""
    monkeypatch.setattr(IbanRecognizer, "PATTERNS", [Pattern("slow", ENDLESS, 0.5)])
    monkeypatch.setattr(bounded_searches, "SEARCH_SECONDS", SECONDS)
    monkeypatch.setattr(iban_recognizer, "REGEX_TIMEOUT_SECONDS", SECONDS)
    assert IbanRecognizer().analyze(SLOW, ["IBAN_CODE"]) == []
    with pytest.raises(SearchTimedOut):
        BoundedIbanRecognizer("en").analyze(SLOW, ["IBAN_CODE"])


def test_presidios_own_recognizers_keep_their_patterns() -> None:
    """Those of a class are shared by everybody in the process."""
    recognizers.text_recognizers("en")
    shared = [pattern.compiled_regex for pattern in IbanRecognizer.PATTERNS]
    assert not any(isinstance(found, bounded_searches.BoundedRegex) for found in shared)
