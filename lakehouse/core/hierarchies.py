"""How a quasi-identifier is made coarser: numeric bands and groups of categories.

A level is a column of labels; level 0 is the finest that may leave, the last one is `*`.
The penalty of a label is the normalised certainty penalty (Xu et al. 2006): the share of the
column's domain that the label covers, 0 for one category, 1 for `*`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

ANY = "*"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Bands of whole numbers, `widths` from fine to coarse, then `*`.

    domain: smallest and largest value that may occur, public; bands start at multiples of their
    width. top: values of at least `top` are known only as such (top-coded), so the band that holds
    it has no upper end.
    """

    widths: tuple[int, ...]
    domain: tuple[int, int]
    top: int | None = None

    @property
    def levels(self) -> int:
        """How many levels there are, `*` included."""
        return len(self.widths) + 1

    def label(self, value: str | float | None, level: int) -> str:
        """Return the band of `value` (a number, or null) at `level`."""
        if level == len(self.widths):
            return ANY
        if value is None:
            return UNKNOWN
        width = self.widths[level]
        start = int(float(value)) // width * width
        if self.top is not None and start + width > self.top:
            return f"{min(start, self.top // width * width)}+"
        return f"{start}-{start + width - 1}"

    def penalty(self, value: str | float | None, level: int) -> Fraction:
        """Return the share of the domain that the label of `value` covers."""
        del value
        if level == len(self.widths):
            return Fraction(1)
        low, high = self.domain
        return min(Fraction(1), Fraction(self.widths[level], high - low))


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """Groups of categories: the value itself, each mapping of `groupings` in turn, then `*`.

    values: every category that may occur, public. A category that a grouping does not name keeps
    its own label there.
    """

    values: tuple[str, ...]
    groupings: tuple[Mapping[str, str], ...] = ()

    @property
    def levels(self) -> int:
        """How many levels there are, the value itself and `*` included."""
        return len(self.groupings) + 2

    def label(self, value: str | float | None, level: int) -> str:
        """Return the label of `value` at `level`."""
        if level == self.levels - 1:
            return ANY
        if value is None:
            return UNKNOWN
        return str(value) if level == 0 else self.groupings[level - 1].get(str(value), str(value))

    def penalty(self, value: str | float | None, level: int) -> Fraction:
        """Return the share of the categories that the label of `value` covers; 0 for one alone."""
        if level == self.levels - 1:
            return Fraction(1)
        label = self.label(value, level)
        covered = sum(self.label(other, level) == label for other in self.values)
        return Fraction(covered, len(self.values)) if covered > 1 else Fraction(0)


Hierarchy = Bands | Categories
