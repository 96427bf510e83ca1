"""What a release of people keeps and how well it hides them, in figures that may leave.

Loss is the mean normalised certainty penalty. Risks are those of El Emam (Guide to the De-Identification
of Personal Health Information, 2013): prosecutor, the highest chance to pick the right row for somebody
known to be in the table; journalist, the same against a register; marketer, the mean over all rows.
Every figure that depends on people who were left out is made from counts rounded as exact counts are.
"""

from dataclasses import asdict, dataclass
from fractions import Fraction

CURVE = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The k for which the loss is told beside that of the release itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSizes:
    """How rows fall into classes: rows, classes, rows of the smallest class, classes of one row."""

    rows: int
    classes: int
    smallest: int
    alone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPoint:
    """The least loss at one k (two places) and the rows left out for it; None where no level reaches it."""

    k: int
    loss: str | None
    left_out_percent: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLoss:
    """What one column lost over the rows that leave, 0 nothing, 1 all; level 0 is the finest of `levels`.

    level: None where the column was recoded locally and has many.
    """

    column: str
    level: int | None
    levels: int
    lost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The chance to find a person, in percent. highest: also `more than 20`; alone: None for a few."""

    highest: str
    average: int
    alone: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
    """What a release of people keeps: loss over k, loss by column, risk before and after."""

    k: int
    curve: tuple[LossPoint, ...]
    columns: tuple[ColumnLoss, ...]
    before: Risk
    after: Risk

    def as_json(self) -> dict[str, object]:
        """Return the figures as a record keeps them."""
        told = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


def curve_of(k: int, rows: int) -> tuple[int, ...]:
    """Return the k to tell the loss of, ascending, that of the release among them."""
    return tuple(sorted({k, *(other for other in CURVE if other <= rows)}))


def told_loss(loss: Fraction, *, rows: int, suppressed: int, step: int) -> Fraction:
    """Return a loss in hundredths, rounded up, as if rounded numbers of rows had stayed and been left out.

    The exact one would give those numbers: what the rows that stayed have lost can be seen in the table.
    Whatever tells a loss tells this one, since two roundings of one number narrow it.
    """
    stay = rows - suppressed
    of_stay = (loss * rows - suppressed) / stay if stay else Fraction(1)
    left_out, kept = _rounded(suppressed, step), _rounded(stay, step)
    told = (of_stay * kept + left_out) / (kept + left_out or 1)
    return Fraction(-(-told.numerator * 100 // told.denominator), 100)


def loss_point(k: int, loss: Fraction, *, rows: int, suppressed: int, step: int) -> LossPoint:
    """Return the point of the curve at `k`; both figures are made from rounded numbers of rows."""
    left_out, kept = _rounded(suppressed, step), _rounded(rows - suppressed, step)
    return LossPoint(
        k=k,
        loss=_two_places(told_loss(loss, rows=rows, suppressed=suppressed, step=step)),
        left_out_percent=_percent(Fraction(left_out, kept + left_out or 1)),
    )


def column_loss(column: str, level: int | None, levels: int, lost: Fraction) -> ColumnLoss:
    """Return what a column lost; the released rows themselves say as much."""
    return ColumnLoss(column=column, level=level, levels=levels, lost=_two_places(lost))


def told_risk(sizes: ClassSizes, *, k: int, step: int) -> Risk:
    """Return the risk of a table; counts rounded to `step` (1 where it is public), none below `k` told."""
    rows, classes, alone = (_rounded(count, step) for count in (sizes.rows, sizes.classes, sizes.alone))
    small = sizes.smallest < k
    highest = f"more than {_percent(Fraction(1, k))}" if small else str(_percent(Fraction(1, sizes.smallest)))
    return Risk(
        highest=highest,
        average=_percent(min(Fraction(1), Fraction(classes, rows))) if rows else 0,
        alone=None if 0 < sizes.alone < k or not rows else _percent(min(Fraction(1), Fraction(alone, rows))),
    )


def _rounded(count: int, step: int) -> int:
    return (count + step // 2) // step * step


def _percent(share: Fraction) -> int:
    return int(share * 100 + Fraction(1, 2))


def _two_places(share: Fraction) -> str:
    hundredths = _percent(share)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
