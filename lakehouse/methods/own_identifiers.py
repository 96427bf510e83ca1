"""Occurrences of what identifies a person in texts about that person, whatever their case."""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

import regex  # type: ignore[import-untyped]

SHORTEST_FOLDED = 3
"""Characters; a shorter identifier (a name like Li) is matched in its own case only."""
_ONE_I = str.maketrans("\u0130\u0131", "ii")
_KEPT = 2**12


class OwnIdentifiers:
    """The identifiers of people (by pseudonym) as they are looked for, one text after the other.

    Most texts name nobody: to compile a pattern costs more than to read a hundred of them, so a text is first
    asked for the words of each identifier.
    """

    def __init__(self, identifiers: Mapping[str, tuple[str, ...]]) -> None:
        self._identifiers = identifiers
        self._pattern_of = lru_cache(_KEPT)(identifier_pattern)

    def pattern(self, pseudonym: str | None, folded: str) -> "regex.Pattern[str] | None":
        """Return what finds this person's identifiers in a text; None where none of them stands in it.

        folded: the text as `fold_text` gives it.
        """
        own = self._identifiers.get(pseudonym or "", ())
        named = [value for value in own if may_hold(folded, folded_words(value))]
        return self._pattern_of(tuple(named)) if named else None


def may_hold(folded: str, words: Iterable[str]) -> bool:
    """Return whether each word of an identifier stands somewhere in a text that `fold_text` gave."""
    return all(map(folded.__contains__, words))


def folded_words(identifier: str) -> list[str]:
    """Return the words of an identifier, without case."""
    return fold_text(unicodedata.normalize("NFC", identifier)).split()


def fold_text(text: str) -> str:
    """Return a text without case; the four letters i of Turkish are one, as they are to `regex`."""
    return text.lower() if text.isascii() else text.translate(_ONE_I).casefold()


def identifier_pattern(identifiers: Iterable[str]) -> "regex.Pattern[str] | None":
    """Return what matches any of a person's identifiers as whole words, the longest first.

    `regex` 2026.11 looks first for what all alternatives begin with, and misses it in a ligature or where
    folding makes one letter two: `Fischer` alone would stay in `\ufb01scher`. An alternative that never
    matches ends that, and a value that is not ASCII is looked for in its upper case and folded as well.
    """
    known = {unicodedata.normalize("NFC", value).strip() for value in identifiers}
    usable = sorted((value for value in known if len(value) > 1), key=lambda value: (-len(value), value))
    if not usable:
        return None
    return regex.compile(
        rf"(?<!\w)(?:(?!)|{'|'.join(_flexible(value) for value in usable)})(?!\w)", regex.FULLCASE
    )


def _flexible(value: str) -> str:
    if len(value) < SHORTEST_FOLDED:
        return _spaced(value)
    spellings = {value} if value.isascii() else {value, value.upper(), value.casefold()}
    composed = sorted({unicodedata.normalize("NFC", spelling) for spelling in spellings})
    return "|".join(f"(?i:{_spaced(spelling)})" for spelling in composed)


def _spaced(value: str) -> str:
    return r"\s+".join(regex.escape(word, special_only=True) for word in value.split())
