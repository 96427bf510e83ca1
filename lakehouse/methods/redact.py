"""Take people out of free text (PROTOCOLS section 4).

What goes: everything the detector finds, and every occurrence, whatever its case, of the subject's
own identifiers from all sources. Dates move like all dates of the person; what cannot be read as a
date becomes <DATE>. `{ method = "redact", language = "language", day_first = false }`: `language`
names the column that says in what language a text is; `in_language = "fr"` says it for all of them
(English where neither is given). A text whose language is unstated or has no model is refused, never
read by a model of another language: its names would stay (`language_not_supported`). Nor is a text read
that has 1,000 characters without a space (`unbroken_text`). One in which a search was given up for the time
it took is refused as well (`search_timed_out`): what it did not find would stay.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse.adapters.presidio_detector import LANGUAGE, UNSEARCHED, Finding, is_unbroken
from lakehouse.adapters.row_groups import distinct_rows
from lakehouse.core.contract import Column
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.own_identifiers import OwnIdentifiers, fold_text
from lakehouse.methods.parameters import Parameters
from lakehouse.methods.shift_dates import days_of_shift
from lakehouse.methods.text_dates import shift_text_date

if TYPE_CHECKING:
    import regex  # type: ignore[import-untyped]

DATE = "DATE_TIME"
OWN = "IDENTIFIER"
NOT_SUPPORTED = "language_not_supported"
UNBROKEN = "unbroken_text"
TIMED_OUT = "search_timed_out"
DAY_FIRST_LANGUAGES = frozenset({"fr", "de"})
"""Where `03/04/2021` is the third of April whatever the contract says of the others."""
TAGS: Mapping[str, str] = {
    OWN: "<IDENTIFIER>",
    "PERSON": "<PERSON>",
    "PHONE_NUMBER": "<PHONE>",
    "EMAIL_ADDRESS": "<EMAIL>",
    "STREET_ADDRESS": "<ADDRESS>",
    "POSTAL_CODE": "<ADDRESS>",
    "LOCATION": "<LOCATION>",
    "RECORD_ID": "<ID>",
    "US_SSN": "<ID>",
    "FR_NIR": "<ID>",
    "DE_KVNR": "<ID>",
    "DE_RVNR": "<ID>",
    "DEVICE_ID": "<ID>",
    "US_DRIVER_LICENSE": "<ID>",
    "IBAN_CODE": "<ID>",
    "HOSPITAL": "<HOSPITAL>",
    DATE: "<DATE>",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A stretch of text that must go, and the kind that names its replacement."""

    start: int
    end: int
    entity: str


class SearchedText:
    """One of the distinct texts of a column, and what of it goes whoever it is about.

    folded: the text without case. dated: whether a date in it moves with its person.
    """

    def __init__(self, text: str, findings: Iterable[Finding], *, days_lead: bool) -> None:
        """days_lead: how `03/04/2021` is meant."""
        self._text = text
        self._days_lead = days_lead
        self._found = [Region(start=f.start, end=f.end, entity=f.entity) for f in findings]
        self.folded = fold_text(text)
        self.dated = any(region.entity == DATE for region in self._found)
        self._undated = self._without(self._found, None)

    def redacted(self, own: "regex.Pattern[str] | None", days: int | None) -> tuple[str, Sequence[str]]:
        """Return the text without people, and the kind of each stretch that was replaced.

        own: what finds the identifiers of whom it is about. days: by which that person's dates move.
        """
        if own is None and not self.dated:
            return self._undated
        hits = own.finditer(self._text) if own is not None else ()
        named = [Region(start=hit.start(), end=hit.end(), entity=OWN) for hit in hits]
        return self._without([*self._found, *named], days)

    def _without(self, found: Iterable[Region], days: int | None) -> tuple[str, Sequence[str]]:
        regions = _merged(found)
        kinds = [region.entity for region in regions]
        return _replaced(self._text, regions, days, self._days_lead), kinds


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return texts (n) without people; findings: how often each kind was replaced."""
    distinct, reasons, codes = _searched_texts(values, Parameters(column), context)
    texts = [distinct[code] for code in codes]
    subjects: list[str | None] = context.subjects.to_pylist()
    own = OwnIdentifiers(context.identifiers)
    moving = {subject for text, subject in zip(texts, subjects, strict=True) if text and text.dated}
    shifts = days_of_shift(context.secrets, moving)
    counts = Counter[str]()
    redacted: list[str | None] = []
    for text, subject in zip(texts, subjects, strict=True):
        if text is None:
            redacted.append(None)
            continue
        clean, kinds = text.redacted(own.pattern(subject, text.folded), shifts.get(subject))
        redacted.append(clean)
        if kinds:
            counts.update(kinds)
    refused = {row: reasons[code] for row, code in enumerate(codes) if code in reasons} if reasons else {}
    return Applied(values=pa.array(redacted, pa.string()), rejected=refused, findings=dict(counts))


def _searched_texts(
    values: pa.Array, given: Parameters, context: MethodContext
) -> tuple[list[SearchedText | None], dict[int, str], list[int]]:
    """Return the distinct texts (m), the reasons why some are refused, and which of them each row has (n)."""
    tags = _language_tags(given, context)
    first, codes = distinct_rows([values, *tags])
    texts = [text and unicodedata.normalize("NFC", text) for text in values.take(pa.array(first)).to_pylist()]
    stated = [tag for own in tags for tag in own.take(pa.array(first)).to_pylist()]
    in_language = str(given.get("in_language", LANGUAGE))
    languages = [context.detector.language_of(tag) for tag in stated or [in_language] * len(texts)]
    reasons = _refused(texts, languages)
    found = _findings(texts, [None if n in reasons else own for n, own in enumerate(languages)], context)
    given_up = (n for n, own in enumerate(found) if any(finding.entity == UNSEARCHED for finding in own))
    reasons |= dict.fromkeys(given_up, TIMED_OUT)
    day_first = bool(given.get("day_first", False))
    searched = [
        SearchedText(text, findings, days_lead=day_first or language in DAY_FIRST_LANGUAGES)
        if text is not None and number not in reasons
        else None
        for number, (text, language, findings) in enumerate(zip(texts, languages, found, strict=True))
    ]
    return searched, reasons, codes.tolist()


def _language_tags(given: Parameters, context: MethodContext) -> list[pa.Array]:
    """Return the column (n) that says in what language each text is, where one is named."""
    named = given.get("language")
    if named is None:
        return []
    if named not in context.rows.column_names:
        raise given.error("language", "is not a column of the input")
    return [context.rows.column(named).combine_chunks()]


def _refused(texts: Sequence[str | None], languages: Sequence[str | None]) -> dict[int, str]:
    refused: dict[int, str] = {}
    for number, (text, language) in enumerate(zip(texts, languages, strict=True)):
        if text is not None and language is None:
            refused[number] = NOT_SUPPORTED
        elif text is not None and is_unbroken(text):
            refused[number] = UNBROKEN
    return refused


def _findings(
    texts: Sequence[str | None], languages: Sequence[str | None], context: MethodContext
) -> list[list[Finding]]:
    found: list[list[Finding]] = [[] for _ in texts]
    for language in sorted({language for language in languages if language}):
        chosen = [number for number, own in enumerate(languages) if own == language]
        results = context.detector.find_in_texts([texts[number] for number in chosen], language)
        for number, findings in zip(chosen, results, strict=True):
            found[number] = findings
    return found


def _merged(regions: Iterable[Region]) -> list[Region]:
    """Join what overlaps; a date only stays one where nothing else says what it is."""
    merged: list[Region] = []
    for region in sorted(regions, key=lambda region: (region.start, -region.end)):
        if not merged or region.start >= merged[-1].end:
            merged.append(region)
            continue
        last = merged.pop()
        entity = last.entity if last.entity != DATE else region.entity
        merged.append(Region(start=last.start, end=max(last.end, region.end), entity=entity))
    return merged


def _replaced(text: str, regions: Iterable[Region], days: int | None, day_first: bool) -> str:
    pieces: list[str] = []
    place = 0
    for region in regions:
        pieces.append(text[place : region.start])
        moved = None
        if region.entity == DATE and days is not None:
            moved = shift_text_date(text[region.start : region.end], days, day_first=day_first)
        pieces.append(moved or TAGS.get(region.entity, f"<{region.entity}>"))
        place = region.end
    return "".join([*pieces, text[place:]])
