"""k-anonymity, l-diversity and t-closeness: what they mean and what a release asks for.

k: size of the smallest class of rows that share their quasi-identifier labels (Sweeney 2002).
l: fewest distinct values of a sensitive column in a class (distinct l-diversity, Machanavajjhala 2007).
t: largest distance between a sensitive column in a class and in the whole table (Li 2007): total
variation for categories, earth mover's distance over ranks for ordered columns. All exact fractions.
`adapters.group_search` reaches and measures them; tests hold it against a small implementation.
"""

from dataclasses import dataclass
from fractions import Fraction

Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveColumn:
    """A column whose value must not follow from the quasi-identifiers."""

    name: str
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTargets:
    """What a table must reach; suppression: the largest share of rows that may be left out."""

    k: int
    l: int  # noqa: E741  the property is called l-diversity
    t: Fraction
    suppression: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMeasures:
    """k, l and t of a table; l and t are None without a sensitive column, k is 0 without a row."""

    k: int
    l: int | None  # noqa: E741  the property is called l-diversity
    t: Fraction | None


def rank_order(value: Value) -> tuple[bool, float, str]:
    """Return the key by which the values of an ordered column are ranked: numbers, texts, null last."""
    number = float(value) if isinstance(value, int | float) else 0.0
    return value is None, number, "" if isinstance(value, int | float) else str(value)
