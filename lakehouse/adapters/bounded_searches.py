"""Searches of patterns that end in time, or say that they did not.

Presidio gives up a pattern that takes too long, logs it, and goes on as if the text held nothing of the
kind: its warning is all there is to see. Here the search raises `SearchTimedOut`, so that nobody takes a
text for clean that was not searched. `regex` counts processor time of the whole process, over all matches
of one search, so a busy machine alone ends none.
"""

from typing import TYPE_CHECKING, Any

import regex  # type: ignore[import-untyped]
from presidio_analyzer.pattern_recognizer import REGEX_TIMEOUT_SECONDS
from presidio_analyzer.predefined_recognizers import IbanRecognizer

if TYPE_CHECKING:
    from presidio_analyzer import PatternRecognizer, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts

SEARCH_SECONDS = 5.0
"""Processor time for one pattern in one piece of a text; the slowest of ours takes milliseconds."""


class SearchTimedOut(RuntimeError):
    """A pattern's search was given up; `pattern` is its name.

    No `TimeoutError`, which Presidio would swallow; the detector makes a finding of it.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(f"the search for {pattern} took more than {SEARCH_SECONDS:g} s")
        self.pattern = pattern


class BoundedRegex:
    """A compiled pattern in the one use that Presidio makes of it."""

    def __init__(self, name: str, text: str, flags: int) -> None:
        """name: of the pattern, for messages; text: the pattern; flags: of `regex`."""
        self._name = name
        self._compiled = regex.compile(text, flags)

    def finditer(self, text: str, timeout: float) -> "list[regex.Match[str]]":
        """Return the matches in a text; SearchTimedOut where they are not all found in time."""
        seconds = timeout if timeout < SEARCH_SECONDS else SEARCH_SECONDS
        try:
            return list(self._compiled.finditer(text, timeout=seconds))
        except TimeoutError:
            raise SearchTimedOut(self._name) from None


def bound_searches(recognizer: "PatternRecognizer") -> "PatternRecognizer":
    """Return the recognizer with searches that say when they are given up; its findings stay the same."""
    from presidio_analyzer import Pattern

    bounded = []
    for given in recognizer.patterns:
        # A pattern of its own: Presidio shares those of a class among all recognizers of the process.
        pattern = Pattern(given.name, given.regex, given.score)
        pattern.compiled_with_flags = recognizer.global_regex_flags
        pattern.compiled_regex = BoundedRegex(recognizer.name, given.regex, recognizer.global_regex_flags)
        bounded.append(pattern)
    recognizer.patterns = bounded
    return recognizer


class BoundedIbanRecognizer(IbanRecognizer):  # type: ignore[misc]
    """`IbanRecognizer`, which compiles its patterns itself: each is searched through before, in less time."""

    def __init__(self, language: str) -> None:
        super().__init__(supported_language=language, name=IbanRecognizer.__name__)
        self._searched = [
            BoundedRegex(self.name, pattern.regex, self.global_regex_flags) for pattern in self.patterns
        ]

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: "NlpArtifacts | None" = None,
        regex_flags: int | None = None,
    ) -> "list[RecognizerResult]":
        """Return Presidio's findings; SearchTimedOut where a search takes half of what Presidio allows."""
        for pattern in self._searched:
            pattern.finditer(text, timeout=REGEX_TIMEOUT_SECONDS / 2)
        found: Any = super().analyze(text, entities, nlp_artifacts, regex_flags)
        return list(found)
