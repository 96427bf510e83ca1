"""What a column of an unknown file looks like: counts and shapes, none of its values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from lakehouse.core.contract import ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Facts of one column. Nothing here is a value of a person.

    rows, nulls, distinct: counts; null_values: markers of absence that occur besides "". lowest, highest:
    extremes of numbers, already rounded outwards (`outward_bounds`). shapes: the commonest forms of values,
    digits as 9, letters as a and A. categories: values that each occur in at least `CROWD` rows, where all
    of them do. words: mean number of words. findings: entity -> share of the distinct values looked at.
    pattern: what every value matches, for identifiers.
    """

    name: str
    source: str
    type: ColumnType
    rows: int
    nulls: int
    distinct: int
    null_values: tuple[str, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    shapes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    words: float = 0.0
    longest: int = 0
    findings: Mapping[str, float] = field(default_factory=dict)
    pattern: str | None = None

    @property
    def filled(self) -> int:
        """How many rows have a value."""
        return self.rows - self.nulls

    @property
    def distinctness(self) -> float:
        """Distinct values of those there are, 0 to 1."""
        return self.distinct / self.filled if self.filled else 0.0


def shape_of(value: str) -> str:
    """Return the form of a value: `1952-03-12` is `9999-99-99`; at most 24 signs of it."""
    signs = ("9" if sign.isdigit() else _letter(sign) for sign in value[:24])
    return "".join(signs) + ("…" if len(value) > 24 else "")


def _letter(sign: str) -> str:
    if sign.isalpha():
        return "A" if sign.isupper() else "a"
    return sign if sign.isascii() and sign.isprintable() else " "


def outward_bounds(lowest: float, highest: float) -> tuple[float, float]:
    """Return bounds half the range wider on both sides, to two digits outwards: nobody's value.

    What is never negative stays so: its lower bound is 0.
    """
    margin = (highest - lowest) / 2 or abs(highest) or 1.0
    lower = 0.0 if lowest >= 0 else two_digits(lowest - margin, up=False)
    return lower, two_digits(highest + margin, up=True)


def two_digits(value: float, *, up: bool) -> float:
    """Return the next number of two significant digits above (or below) a number."""
    if value == 0:
        return 0.0
    step = Decimal(10) ** (Decimal(str(value)).adjusted() - 1)
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    return float((Decimal(str(value)) / step).to_integral_value(rounding=rounding) * step)


def common_pattern(values: Iterable[str]) -> str | None:
    """Return a pattern for all identifiers, in full: runs of digits and letters with room of one more.

    Where they differ in build, letters, digits, points and hyphens of the lengths that occur.
    """
    known = [value for value in values if value]
    if not known:
        return None
    builds = [_runs(value) for value in known]
    kinds = {tuple(kind for kind, _ in build) for build in builds}
    if len(kinds) > 1 or any(kind not in ("9", "A", "-", "_", ".") for kind in kinds.copy().pop()):
        return f"[A-Za-z0-9._-]{{1,{max(len(value) for value in known) + 1}}}"
    return "".join(
        _run_pattern(kind, [build[place][1] for build in builds])
        for place, kind in enumerate(next(iter(kinds)))
    )


def _runs(value: str) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for sign in value:
        kind = "9" if sign in "0123456789" else "A" if sign.isalpha() and sign.isascii() else sign
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + 1)
        else:
            runs.append((kind, 1))
    return runs


def _run_pattern(kind: str, lengths: list[int]) -> str:
    if kind not in "9A":
        return f"[{kind}]{{{min(lengths)},{max(lengths)}}}"
    signs = "[0-9]" if kind == "9" else "[A-Za-z]"
    return f"{signs}{{{max(1, min(lengths) - 1)},{max(lengths) + 1}}}"
