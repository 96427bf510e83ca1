"""Presidio's phone recognizer with the same findings, at less work.

phonenumbers offers every stretch of digits (a year, a house number) to the parser, once a region. A number
is valid only if its digits are as many as some plan allows, so a stretch with fewer is none; what is left of
it without country code and national prefix must be a number of the region's plan, or it is not parsed
(`NationalPlan`); a date that stands in a hundred notes is parsed once; and a text is searched for stretches
once, not once a region.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import phonenumbers
from phonenumbers import phonenumbermatcher as rules
from phonenumbers import phonenumberutil
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

if TYPE_CHECKING:
    from presidio_analyzer import RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts


SEARCHED: re.Pattern[str] = vars(rules)["_PATTERN"]
SECOND_NUMBER: re.Pattern[str] = vars(rules)["_SECOND_NUMBER_START_PATTERN"]
PLUS = re.compile("[+\uff0b]")
DIALLED_ABROAD = 2
"""Digits at least that are dialled before a country code where no plus sign stands for them."""
WITHOUT_NATIONAL_PREFIX: Any = vars(phonenumberutil)["_maybe_strip_national_prefix_carrier_code"]
PLAIN = re.compile(r"[0-9 ()\[\]./-]+")
"""A candidate of which nothing but its digits counts: no plus sign, no extension, no other script."""
LONGEST = 17
"""Digits of a national number at most (`phonenumberutil._MAX_LENGTH_FOR_NSN`)."""
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
        stretches = Stretches(text)
        results = [
            self._get_recognizer_result(match, text, region, nlp_artifacts)
            for region in self.supported_regions
            for match in SparingMatcher(stretches, region, self.leniency)
        ]
        return list(self.remove_duplicates(results))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Signs of a text that may be a number, before any region is asked; digits: how many of them."""

    start: int
    candidate: str
    digits: int

    @property
    def end(self) -> int:
        """Where the search goes on."""
        return self.start + len(self.candidate)


class Stretches:
    """The stretches of one text by where their search begins, each looked for once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[int, Stretch | None] = {}

    def after(self, index: int) -> Stretch | None:
        """Return the first stretch at or after a place, as `PhoneNumberMatcher._find` cuts it."""
        if index not in self._found:
            self._found[index] = self._look(index)
        return self._found[index]

    def _look(self, index: int) -> Stretch | None:
        match = SEARCHED.search(self.text, index)
        if match is None:
            return None
        candidate: str = match.group()
        second = SECOND_NUMBER.search(candidate)
        candidate = candidate[: second.start()] if second else candidate
        digits = sum(sign.isdigit() for sign in candidate)
        return Stretch(start=match.start(), candidate=candidate, digits=digits)


class SparingMatcher(phonenumbers.PhoneNumberMatcher):
    """phonenumbers' matcher that parses no candidate with too few digits, and none twice."""

    def __init__(self, stretches: Stretches, region: str, leniency: int) -> None:
        super().__init__(stretches.text, region, leniency=leniency)
        self._stretches = stretches
        self._region = region
        self._national = fewest_digits(region)

    def _find(self, index: int) -> Any:
        """Return the next match at or after `index`, as the matcher does: every stretch is one try."""
        while self._max_tries > 0 and (stretch := self._stretches.after(index)) is not None:
            if len(stretch.candidate) >= self._min_candidate_length:
                match = self._extract(stretch)
                if match is not None:
                    return match
                self._max_tries -= 1
            index = stretch.end
        return None

    def _extract(self, stretch: Stretch) -> Any:
        """Parts of a candidate have fewer digits still: what is too short is so with all its parts."""
        if stretch.digits < self._national:
            abroad = shortest_abroad() + (0 if PLUS.search(stretch.candidate) else DIALLED_ABROAD)
            if stretch.digits < abroad:
                return None
        return self._extract_match(stretch.candidate, stretch.start)

    def _parse_and_verify(self, candidate: str, offset: int) -> Any:
        end = offset + len(candidate)
        before, after = self.text[max(0, offset - 1) : offset], self.text[end : end + 1]
        number = parsed_number(candidate, self._region, self.leniency, before, after)
        return None if number is None else phonenumbers.PhoneNumberMatch(offset, candidate, number)


@lru_cache(maxsize=4096)
def parsed_number(candidate: str, region: str, leniency: int, before: str, after: str) -> Any:
    """Return the number that a candidate is between two signs, or None: all that the matcher looks at."""
    if PLAIN.fullmatch(candidate) and not national_plan(region).may_hold(re.sub("[^0-9]", "", candidate)):
        return None
    matcher = phonenumbers.PhoneNumberMatcher(f"{before}{candidate}{after}", region, leniency=leniency)
    match = matcher._parse_and_verify(candidate, len(before))
    return match.number if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NationalPlan:
    """How numbers are dialled in a region, and which ones there are under its country code.

    own, main: metadata of the region, and of the first region of its country code. prefix: what is dialled
    before a national number. abroad: before a country code. numbers: by length, what valid ones look like.
    """

    code: str
    own: Any
    main: Any
    prefix: re.Pattern[str]
    abroad: re.Pattern[str]
    numbers: Mapping[int, re.Pattern[str]]

    def may_hold(self, digits: str) -> bool:
        """Return whether digits as dialled may be a valid number; False is certain.

        What `phonenumbers.parse` makes of them is one of `national`, unless they go abroad.
        """
        return bool(self.abroad.match(digits)) or any(map(self._is_number, self._national(digits)))

    def _national(self, digits: str) -> Iterator[str]:
        yield digits
        if self.prefix.match(digits):
            yield WITHOUT_NATIONAL_PREFIX(digits, self.own)[1]
        if digits.startswith(self.code):
            shorter = WITHOUT_NATIONAL_PREFIX(digits.removeprefix(self.code), self.own)[1]
            yield shorter
            yield WITHOUT_NATIONAL_PREFIX(shorter, self.main)[1]

    def _is_number(self, national: str) -> bool:
        pattern = self.numbers.get(len(national))
        return pattern is not None and pattern.fullmatch(national) is not None


@cache
def national_plan(region: str) -> NationalPlan:
    """Return the plan of a region, from phonenumbers' metadata of every region of its country code."""
    code = phonenumbers.country_code_for_region(region)
    every = [metadata_of(other) for other in phonenumbers.region_codes_for_country_code(code)]
    plans = [getattr(metadata, name) for metadata in every for name in TYPES]
    patterns: dict[int, dict[str, None]] = {}
    for plan in plans:
        if plan and plan.national_number_pattern:
            for length in plan.possible_length or range(1, LONGEST + 1):
                patterns.setdefault(length, {})[plan.national_number_pattern] = None
    own = metadata_of(region)
    return NationalPlan(
        code=str(code),
        own=own,
        main=every[0],
        prefix=re.compile(own.national_prefix_for_parsing or "(?!)"),
        abroad=re.compile(own.international_prefix),
        numbers={
            length: re.compile("|".join(f"(?:{pattern})" for pattern in alternatives))
            for length, alternatives in patterns.items()
        },
    )


def metadata_of(region: str) -> Any:
    """Return phonenumbers' metadata of a region."""
    return phonenumbers.PhoneMetadata.metadata_for_region(region)


@cache
def fewest_digits(region: str) -> int:
    """Return how many digits a valid number of a region's country code has at least, the code left out."""
    code = phonenumbers.country_code_for_region(region)
    return min(shortest_number(other) for other in phonenumbers.region_codes_for_country_code(code))


@cache
def shortest_number(region: str) -> int:
    """Return the digits of the shortest valid number of a region's own plan, by any type of number."""
    metadata = metadata_of(region)
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
