"""Presidio's phone recognizer with the same findings, at less work.

phonenumbers offers every stretch of digits (a year, a house number) to the parser, once a region. A number
is valid only if its digits are as many as some plan allows, so a stretch with fewer is none; and a date
that stands in a hundred notes is parsed once.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import phonenumbers
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

if TYPE_CHECKING:
    from presidio_analyzer import RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts


PLUS = re.compile("[+\uff0b]")
DIALLED_ABROAD = 2
"""Digits at least that are dialled before a country code where no plus sign stands for them."""
TYPES = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("voip", "personal_number", "pager", "uan", "voicemail"),
)
"""The types that make a number valid in phonenumbers (`phonenumberutil._number_type_helper`)."""


class SparingPhoneRecognizer(PhoneRecognizer):  # type: ignore[misc]
    """`PhoneRecognizer`, whatever finds equal to it; `name` and scores are its own."""

    def __init__(self, language: str, regions: tuple[str, ...]) -> None:
        super().__init__(
            supported_language=language, supported_regions=regions, name=PhoneRecognizer.__name__
        )

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: "NlpArtifacts | None" = None
    ) -> "list[RecognizerResult]":
        """Return the numbers of each region's plan, and those with a country code."""
        del entities
        results = [
            self._get_recognizer_result(match, text, region, nlp_artifacts)
            for region in self.supported_regions
            for match in SparingMatcher(text, region, self.leniency)
        ]
        return list(self.remove_duplicates(results))


class SparingMatcher(phonenumbers.PhoneNumberMatcher):
    """phonenumbers' matcher that parses no candidate with too few digits, and none twice."""

    def __init__(self, text: str, region: str, leniency: int) -> None:
        super().__init__(text, region, leniency=leniency)
        self._region = region
        self._national = fewest_digits(region)

    def _extract_match(self, candidate: str, offset: int) -> Any:
        """Parts of a candidate have fewer digits still: what is too short is so with all its parts."""
        abroad = shortest_abroad() + (0 if PLUS.search(candidate) else DIALLED_ABROAD)
        if sum(sign.isdigit() for sign in candidate) < min(self._national, abroad):
            return None
        return super()._extract_match(candidate, offset)

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        end = offset + len(candidate)
        before, after = self.text[max(0, offset - 1) : offset], self.text[end : end + 1]
        number = parsed_number(candidate, self._region, self.leniency, before, after)
        return None if number is None else phonenumbers.PhoneNumberMatch(offset, candidate, number)


@lru_cache(maxsize=4096)
def parsed_number(candidate: str, region: str, leniency: int, before: str, after: str) -> Any:
    """Return the number that a candidate is between two signs, or None: all that the matcher looks at."""
    matcher = phonenumbers.PhoneNumberMatcher(f"{before}{candidate}{after}", region, leniency=leniency)
    match = matcher._parse_and_verify(candidate, len(before))
    return match.number if match else None


@cache
def fewest_digits(region: str) -> int:
    """Return how many digits a valid number of a region's country code has at least, the code left out."""
    code = phonenumbers.country_code_for_region(region)
    return min(shortest_number(other) for other in phonenumbers.region_codes_for_country_code(code))


@cache
def shortest_number(region: str) -> int:
    """Return the digits of the shortest valid number of a region's own plan, by any type of number."""
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
    general = min(metadata.general_desc.possible_length)
    plans = [getattr(metadata, name) for name in TYPES]
    shortest: int = min(
        (min(plan.possible_length) if plan.possible_length else general) for plan in plans if plan
    )
    return shortest


@cache
def shortest_abroad() -> int:
    """Return the digits of the shortest number of any plan, its country code included."""
    return min(
        len(str(phonenumbers.country_code_for_region(region))) + shortest_number(region)
        for region in phonenumbers.SUPPORTED_REGIONS
    )
