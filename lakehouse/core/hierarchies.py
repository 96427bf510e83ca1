"""How a quasi-identifier is made coarser: numeric bands and groups of categories.

A level is a column of labels; level 0 is the finest that may leave, the last one is `*`.
The penalty of a label is the normalised certainty penalty (Xu et al. 2006): the share of the
column's domain that the label covers, 0 for one category, 1 for `*`.
Values of several finest labels can also be joined under one (`20-34`, `north | south`), which local
recoding does box by box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

ANY = "*"
UNKNOWN = "unknown"
JOIN = " | "


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

    def order(self, value: str | float | None) -> tuple[bool, int, str]:
        """Return the key by which finest labels are put in order, null last."""
        return value is None, self._start(value), ""

    def joined(self, values: Sequence[str | float | None]) -> str:
        """Return the label of values, in order, that are joined: from the first band to the last."""
        first, last = values[0], values[-1]
        if last is None:
            return UNKNOWN if first is None else ANY
        end = self.label(last, 0)
        if first == last or end == self.label(first, 0):
            return end
        return f"{self._start(first)}+" if end.endswith("+") else f"{self._start(first)}-{end.split('-')[-1]}"

    def joined_penalty(self, values: Sequence[str | float | None]) -> Fraction:
        """Return the share of the domain that the label of joined values, in order, covers."""
        if values[0] is not None and values[-1] is None:
            return Fraction(1)
        low, high = self.domain
        span = self._start(values[-1]) - self._start(values[0]) + self.widths[0]
        return min(Fraction(1), Fraction(span, high - low))

    def _start(self, value: str | float | None) -> int:
        """Return where the finest band of a value begins; 0 for null."""
        if value is None:
            return 0
        width = self.widths[0]
        start = int(float(value)) // width * width
        return (
            start if self.top is None or start + width <= self.top else min(start, self.top // width * width)
        )


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

    def order(self, value: str | float | None) -> tuple[bool, int, str]:
        """Return the key by which categories are put in order: as the contract lists them, null last."""
        known = str(value) in self.values
        return value is None, self.values.index(str(value)) if known else len(self.values), str(value)

    def joined(self, values: Sequence[str | float | None]) -> str:
        """Return the label of values, in order, that are joined; `*` where they are all there are."""
        if len(values) > 1 and len(values) >= len(self.values):
            return ANY
        return JOIN.join(self.label(value, 0) for value in values)

    def joined_penalty(self, values: Sequence[str | float | None]) -> Fraction:
        """Return the share of the categories that the label of joined values covers; 0 for one alone."""
        return min(Fraction(1), Fraction(len(values), len(self.values))) if len(values) > 1 else Fraction(0)


Hierarchy = Bands | Categories
