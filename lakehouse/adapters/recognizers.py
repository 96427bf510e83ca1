"""Presidio's recognizers with our patterns, and the gate that spares those that cannot match.

None of them uses context words: a pattern says itself what must stand before an identifier. So a score
depends on the match alone, and lemmas are never needed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import regex  # type: ignore[import-untyped]

from lakehouse.adapters.detection_patterns import PATTERNS
from lakehouse.adapters.identifier_pattern import IdentifierPattern

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer, PatternRecognizer

FLAGS = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE
"""Presidio's own flags for patterns."""
PHONE_REGIONS = {
    "en": ("US", "GB", "DE", "IL", "IN", "CA", "BR"),
    "fr": ("FR", "BE", "CH", "CA"),
}
"""Regions whose national phone numbers are looked for; a number with its country code is found anyway."""
SHORTEST_PHONE = 4
"""Digits: no plan of these regions has a shorter number (phonenumbers' own metadata; a test holds this)."""
PHONE_DIGITS = regex.compile(r"\d(?:[^\p{L}\d]|[xX]){0,12}" * (SHORTEST_PHONE - 1) + r"\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedRecognizer:
    """A recognizer, and a quick test that is true of every text in which it finds something.

    reason: why a finding of it is one, in words; without any value.
    """

    recognizer: "EntityRecognizer"
    may_match: Callable[[str], bool]
    reason: str


def text_recognizers(language: str) -> "tuple[GatedRecognizer, ...]":
    """Return what is looked for in texts of a language, names of its model apart."""
    own = gated_patterns((pattern for pattern in PATTERNS if pattern.is_for(language)), language)
    return (*own, *_presidio_patterns(language), _phone(language))


def cell_recognizers() -> "tuple[GatedRecognizer, ...]":
    """Return what is looked for in single cells: identifiers with a form of their own, of every language."""
    return (
        *gated_patterns((pattern for pattern in PATTERNS if pattern.in_cells), "en"),
        *_presidio_patterns("en"),
    )


def gated_patterns(patterns: Iterable[IdentifierPattern], language: str) -> tuple[GatedRecognizer, ...]:
    """Return a recognizer of each pattern, for texts in a language, behind the gate that it needs."""
    return tuple(
        GatedRecognizer(
            recognizer=_recognizer(pattern, language),
            may_match=_searcher(pattern.needs),
            reason=f"check digits of {pattern.name} hold" if pattern.check else f"form of {pattern.name}",
        )
        for pattern in patterns
    )


@cache
def _searcher(needs: str) -> Callable[[str], bool]:
    search = regex.compile(needs, FLAGS).search
    return lambda text: search(text) is not None


def _recognizer(pattern: IdentifierPattern, language: str) -> "PatternRecognizer":
    from presidio_analyzer import Pattern, PatternRecognizer

    from lakehouse.adapters.bounded_searches import bound_searches

    made = PatternRecognizer(
        supported_entity=pattern.entity,
        name=pattern.name,
        supported_language=language,
        patterns=[Pattern(pattern.name, pattern.regex, pattern.score)],
    )
    if pattern.check is not None:
        made.validate_result = pattern.check
    return bound_searches(made)


def _presidio_patterns(language: str) -> tuple[GatedRecognizer, ...]:
    from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, IpRecognizer

    from lakehouse.adapters.bounded_searches import BoundedIbanRecognizer, bound_searches

    card = bound_searches(CreditCardRecognizer(supported_language=language))
    address = bound_searches(IpRecognizer(supported_language=language))
    given: tuple[tuple[EntityRecognizer, str, str], ...] = (
        (card, r"\d{4}", "check digit of a card number holds"),
        (BoundedIbanRecognizer(language), r"[a-z]{2}\d{2}", "check digits of an account number hold"),
        (address, r"\d\.\d{1,3}\.\d|:[0-9a-f]{0,4}:|fe80:", "form of an internet address"),
    )
    return tuple(
        GatedRecognizer(recognizer=without_context(recognizer), may_match=_searcher(needs), reason=reason)
        for recognizer, needs, reason in given
    )


def _phone(language: str) -> GatedRecognizer:
    from lakehouse.adapters.phone_numbers import SparingPhoneRecognizer

    regions = PHONE_REGIONS.get(language, PHONE_REGIONS["en"])
    return GatedRecognizer(
        recognizer=without_context(SparingPhoneRecognizer(language, regions)),
        may_match=lambda text: PHONE_DIGITS.search(text) is not None,
        reason="a number of a national phone plan",
    )


def without_context(recognizer: "EntityRecognizer") -> "EntityRecognizer":
    """Return the recognizer with its context words taken out."""
    recognizer.context = []
    return recognizer
