"""Presidio's phone recognizer with the same findings, sparing candidates too short for any phone plan.

phonenumbers offers every stretch of digits (a year, a house number) to the parser, once a region. A number
is valid only if its digits are as many as some plan allows, so a stretch with fewer is none.
"""

import re
from functools import cache
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
    """phonenumbers' matcher that parses no candidate with fewer digits than `fewest_digits`."""

    def __init__(self, text: str, region: str, leniency: int) -> None:
        super().__init__(text, region, leniency=leniency)
        self._national = fewest_digits(region)

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        digits = sum(sign.isdigit() for sign in candidate)
        abroad = shortest_abroad() + (0 if PLUS.search(candidate) else DIALLED_ABROAD)
        if digits < min(self._national, abroad):
            return None
        return super()._parse_and_verify(candidate, offset)


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
