"""What a pattern of personal data is made of.

Scores are Presidio's convention (0 to 1): above 0.9 the form alone is proof, 0.5 needs the eye of a
person. Patterns are `regex` patterns, matched without regard to case except where `(?-i:...)` says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

NAME = r"[A-ZÀ-ÖØ-Þ][\w'’-]{0,30}\w"
"""One capitalised word, inside `(?-i:...)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierPattern:
    """One pattern: the entity it finds, its name in findings, its score, and where it is used.

    languages: those whose texts it is for; none named, all of them. in_cells: whether single cells are
    searched too. check: digits that must hold; a match that holds scores 1, another is none.
    needs: a short pattern that occurs in every text the pattern matches; the gate asks for it first.
    """

    entity: str
    name: str
    regex: str
    score: float
    needs: str
    in_cells: bool = True
    languages: tuple[str, ...] = ()
    check: Callable[[str], bool] | None = None

    def is_for(self, language: str) -> bool:
        """Return whether texts in `language` are searched with it."""
        return not self.languages or language in self.languages
