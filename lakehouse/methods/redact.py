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

import pyarrow as pa
import regex  # type: ignore[import-untyped]

from lakehouse.adapters.presidio_detector import LANGUAGE, UNSEARCHED, Finding, is_unbroken
from lakehouse.core.contract import Column
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters
from lakehouse.methods.shift_dates import days_of_shift
from lakehouse.methods.text_dates import shift_text_date

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
_ONE_I = str.maketrans("\u0130\u0131", "ii")
SHORTEST_FOLDED = 3
"""Characters; a shorter identifier (a name like Li) is matched in its own case only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A stretch of text that must go, and the kind that names its replacement."""

    start: int
    end: int
    entity: str


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return texts (n) without people; findings: how often each kind was replaced."""
    given = Parameters(column)
    subjects: list[str | None] = context.subjects.to_pylist()
    texts = [None if text is None else unicodedata.normalize("NFC", text) for text in values.to_pylist()]
    languages = _languages(texts, given, context)
    refused = _refused(texts, languages)
    languages = [None if row in refused else language for row, language in enumerate(languages)]
    found = _findings(texts, languages, context)
    for row, findings in enumerate(found):
        if any(finding.entity == UNSEARCHED for finding in findings):
            refused[row], languages[row] = TIMED_OUT, None
    shifts = days_of_shift(context.secrets)
    patterns = _patterns(texts, subjects, context.identifiers)
    day_first = bool(given.get("day_first", False))
    counts = Counter[str]()
    redacted: list[str | None] = []
    for text, language, findings, subject in zip(texts, languages, found, subjects, strict=True):
        if text is None or language is None:
            redacted.append(None)
            continue
        regions = _merged(_regions(text, findings, patterns.get(subject or "")))
        counts.update(region.entity for region in regions)
        days_lead = day_first or language in DAY_FIRST_LANGUAGES
        redacted.append(_replaced(text, regions, shifts.get(subject), days_lead))
    return Applied(values=pa.array(redacted, pa.string()), rejected=refused, findings=dict(counts))


def _patterns(
    texts: Sequence[str | None], subjects: Sequence[str | None], identifiers: Mapping[str, tuple[str, ...]]
) -> "dict[str, regex.Pattern[str]]":
    """Return the pattern of each subject with a text in which one of its identifiers may stand.

    Most texts name nobody: to compile a pattern costs more than to read a hundred of them.
    """
    folded = {text: fold_text(text) for text in set(texts) if text is not None}
    own: dict[str, set[str]] = {}
    for text, subject in zip(texts, subjects, strict=True):
        if text is not None and subject is not None:
            own.setdefault(subject, set()).add(folded[text])
    patterns = {}
    for subject, stated in own.items():
        named = [v for v in identifiers.get(subject, ()) if any(may_hold(text, v) for text in stated)]
        if pattern := identifier_pattern(named):
            patterns[subject] = pattern
    return patterns


def may_hold(folded: str, identifier: str) -> bool:
    """Return whether each word of an identifier stands somewhere in a text that `fold_text` gave."""
    return all(word in folded for word in fold_text(unicodedata.normalize("NFC", identifier)).split())


def fold_text(text: str) -> str:
    """Return a text without case; the four letters i of Turkish are one, as they are to `regex`."""
    return text.translate(_ONE_I).casefold()


def identifier_pattern(identifiers: Iterable[str]) -> "regex.Pattern[str] | None":
    """Return what matches any of a person's identifiers as whole words, the longest first."""
    known = {unicodedata.normalize("NFC", value).strip() for value in identifiers}
    usable = sorted((value for value in known if len(value) > 1), key=lambda value: (-len(value), value))
    if not usable:
        return None
    return regex.compile(
        rf"(?<!\w)(?:{'|'.join(_flexible(value) for value in usable)})(?!\w)", regex.FULLCASE
    )


def _flexible(value: str) -> str:
    words = r"\s+".join(regex.escape(word, special_only=True) for word in value.split())
    return f"(?i:{words})" if len(value) >= SHORTEST_FOLDED else words


def _languages(texts: Sequence[str | None], given: Parameters, context: MethodContext) -> list[str | None]:
    """Return the language (n) that each text is read in, None where there is no model for it."""
    named = given.get("language")
    if named is None:
        return [context.detector.language_of(str(given.get("in_language", LANGUAGE)))] * len(texts)
    if named not in context.rows.column_names:
        raise given.error("language", "is not a column of the input")
    return [context.detector.language_of(tag) for tag in context.rows.column(named).to_pylist()]


def _refused(texts: Sequence[str | None], languages: Sequence[str | None]) -> dict[int, str]:
    refused: dict[int, str] = {}
    for row, (text, language) in enumerate(zip(texts, languages, strict=True)):
        if text is not None and language is None:
            refused[row] = NOT_SUPPORTED
        elif text is not None and is_unbroken(text):
            refused[row] = UNBROKEN
    return refused


def _findings(
    texts: Sequence[str | None], languages: Sequence[str | None], context: MethodContext
) -> list[list[Finding]]:
    found: list[list[Finding]] = [[] for _ in texts]
    for language in sorted({language for language in languages if language}):
        chosen = [row for row, own in enumerate(languages) if own == language]
        results = context.detector.find_in_texts([texts[row] for row in chosen], language)
        for row, findings in zip(chosen, results, strict=True):
            found[row] = findings
    return found


def _regions(text: str, findings: Iterable[Finding], own: "regex.Pattern[str] | None") -> list[Region]:
    regions = [Region(start=f.start, end=f.end, entity=f.entity) for f in findings]
    if own is not None:
        regions += [Region(start=hit.start(), end=hit.end(), entity=OWN) for hit in own.finditer(text)]
    return regions


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
