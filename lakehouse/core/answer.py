"""From noisy whole numbers to values that people read, each with its 95 % half-width.

Everything here is post-processing: it sees OpenDP's output and public inputs, never data.

A mean comes as two noisy sums (a, b) a cell, in which each person shares one unit: a = how near to the
upper clamp, b = how near to the lower one (`adapters.person_shares`). With p the true a / (a + b), the
error of a - p (a + b) is (1 - p) noise_a - p noise_b: a weighted average of two independent symmetric
log-concave noises, so at least as concentrated as one of them (Proschan 1965). One noise's half-width
over (a + b) is therefore a 95 % half-width of p, however few people there are (Fieller's argument).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakehouse.core.answer_plan import AnswerPlan
from lakehouse.core.question import Stat

GRID = 1 << 20
"""Steps into which one person's share, or the larger clamp of a sum, is divided."""


_STORED = ("question", "population", "version", "mechanism", "epsilon", "unit", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCell:
    """One value. keys: (column, value) of the cell; accuracy95: half-width of its 95 % interval.

    Both in the answer's unit; value is None in a preview.
    """

    keys: tuple[tuple[str, str], ...]
    value: Decimal | None
    accuracy95: Decimal

    def as_json(self) -> dict[str, object]:
        """Return one object of `values[]`."""
        value = None if self.value is None else _plain_number(self.value)
        return {**dict(self.keys), "value": value, "accuracy95": _plain_number(self.accuracy95)}

    def as_record(self) -> dict[str, object]:
        """Return the cell as JSON without floats."""
        keys = [list(key) for key in self.keys]
        return {"keys": keys, "value": str(self.value), "accuracy95": str(self.accuracy95)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A differentially private answer with what it cost and what is left.

    scale: of the discrete Laplace noise in units of the statistic (rows, the column's unit, or people
    for a mean). spent, left: of the population and purpose, after it. lost: privacy loss charged for
    this question earlier without an answer, because the process died in between. receipt, leaf: None
    in a preview.
    """

    question: dict[str, Any]
    population: str
    version: int | None
    cells: tuple[AnswerCell, ...]
    mechanism: str
    scale: Decimal
    epsilon: str
    unit: str | None
    spent: str
    left: str
    lost: str
    repeated: bool
    preview: bool
    receipt: str | None
    leaf: int | None

    @property
    def values(self) -> list[dict[str, object]]:
        """The cells as plain dictionaries, keys first."""
        return [cell.as_json() for cell in self.cells]

    @property
    def accuracy95(self) -> Decimal:
        """The widest half-width of the cells."""
        return max(cell.accuracy95 for cell in self.cells)

    def as_json(self) -> dict[str, object]:
        """Return the fields of `ask` (INTERFACE, Commands)."""
        return {
            **{name: value for name, value in self.question.items() if name != "epsilon"},
            "population": self.population,
            "version": self.version,
            "values": self.values,
            "mechanism": self.mechanism,
            "scale": _plain_number(self.scale),
            "epsilon": self.epsilon,
            "delta": "0.0",
            "accuracy95": _plain_number(self.accuracy95),
            "unit": self.unit,
            "spent": self.spent,
            "left": self.left,
            "lost": self.lost,
            "repeated": self.repeated,
            "preview": self.preview,
            "receipt": self.receipt,
            "leaf": self.leaf,
        }

    def as_record(self) -> dict[str, object]:
        """Return what is stored: JSON without floats and without the balance, which moves on."""
        return {
            **{name: getattr(self, name) for name in _STORED},
            "cells": [cell.as_record() for cell in self.cells],
            "scale": str(self.scale),
        }


def answer_from_record(
    record: dict[str, Any], *, receipt: str, leaf: int | None, spent: str, left: str
) -> Answer:
    """Return the answer of `as_record`, as a repeat."""
    cells = tuple(
        AnswerCell(
            keys=tuple((column, value) for column, value in cell["keys"]),
            value=Decimal(cell["value"]),
            accuracy95=Decimal(cell["accuracy95"]),
        )
        for cell in record["cells"]
    )
    return Answer(
        **{name: record[name] for name in _STORED},
        cells=cells,
        scale=Decimal(record["scale"]),
        spent=spent,
        left=left,
        repeated=True,
        preview=False,
        receipt=receipt,
        leaf=leaf,
    )


def statistic_step(plan: AnswerPlan) -> Decimal:
    """Return what one whole number of the noisy vector stands for: rows, the unit, or people (mean)."""
    if plan.question.stat is Stat.COUNT or plan.bounds is None:
        return Decimal(1)
    if plan.question.stat is Stat.SUM:
        return max(abs(plan.bounds[0]), abs(plan.bounds[1])) / GRID
    return Decimal(1) / GRID


def read_cells(plan: AnswerPlan, noisy: Sequence[int], half_width: float) -> tuple[AnswerCell, ...]:
    """Return the cells of a noisy vector (one number a cell, for a mean two: all a, then all b).

    half_width: in whole numbers; one number's noise stays strictly below it with 95 %.
    """
    if plan.question.stat is Stat.MEAN:
        half = len(noisy) // 2
        read = [_read_mean(plan, a, b, half_width) for a, b in zip(noisy[:half], noisy[half:], strict=True)]
    else:
        step = statistic_step(plan)
        accuracy = Decimal(half_width) * step
        read = [(number * step, accuracy) for number in noisy]
    return tuple(_cell(plan, keys, *found) for keys, found in zip(plan.cells, read, strict=True))


def preview_cells(plan: AnswerPlan, half_width: float) -> tuple[AnswerCell, ...]:
    """Return the cells without values; a mean's accuracy is that of the contract's smallest cell."""
    accuracy = Decimal(half_width) * statistic_step(plan)
    if plan.question.stat is Stat.MEAN and plan.bounds is not None:
        width = plan.bounds[1] - plan.bounds[0]
        accuracy = min(width, width * accuracy / plan.minimum_people)
    return tuple(_cell(plan, keys, None, accuracy) for keys in plan.cells)


def _read_mean(
    plan: AnswerPlan, near_upper: int, near_lower: int, half_width: float
) -> tuple[Decimal, Decimal]:
    lower, upper = plan.bounds or (Decimal(0), Decimal(1))
    width, people = upper - lower, near_upper + near_lower
    if people <= 0:
        return (lower + upper) / 2, width / 2
    place = min(Decimal(1), max(Decimal(0), Decimal(near_upper) / people))
    error = min(Decimal(half_width) / people, max(place, 1 - place))
    return lower + width * place, width * error


def _cell(plan: AnswerPlan, keys: tuple[str, ...], value: Decimal | None, accuracy: Decimal) -> AnswerCell:
    named = tuple(zip((key.column for key in plan.keys), keys, strict=True))
    if plan.question.stat is Stat.COUNT:
        within = max(0, math.ceil(accuracy) - 1)
        return AnswerCell(keys=named, value=value, accuracy95=Decimal(within))
    places = Decimal(1).scaleb(accuracy.adjusted() - 2)
    return AnswerCell(
        keys=named,
        value=None if value is None else value.quantize(places),
        accuracy95=accuracy.quantize(places),
    )


def _plain_number(number: Decimal) -> int | float:
    return int(number) if int(number.as_tuple().exponent) >= 0 else float(number)
