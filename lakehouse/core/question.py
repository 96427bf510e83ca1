"""What an analyst asks of people's rows: the words, and the digest that names them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from lakehouse.core.budget import PrivacyLoss, decimal_text
from lakehouse.core.canonical import digest_json
from lakehouse.errors import WrongUse

SCHEMA = "livinglab/question/v1"
_CONDITION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*={1,2}\s*(?:'([^']*)'|\"([^\"]*)\"|([^'\"\s=][^'\"=]*?))\s*")
_AND = re.compile(r"\s+and\s+|,", re.IGNORECASE)


class Stat(StrEnum):
    """The statistics of INTERFACE."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    QUANTILE = "quantile"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A statistic of a column of a table, by public groups, for a purpose, at a price.

    where: (column, value) pairs that must all hold. bounds: clamps in the column's unit, inside the
    contract's; None for the contract's own. epsilon: what the answer may cost.
    """

    stat: Stat
    column: str | None
    table: str
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    bounds: tuple[Decimal, Decimal] | None = None
    epsilon: Decimal
    purpose: str = "research"

    @classmethod
    def of(
        cls,
        stat: str,
        column: str | None = None,
        *,
        on: str,
        by: str | Iterable[str] = (),
        where: str | Mapping[str, str] | Iterable[str] = (),
        bounds: str | Iterable[object] | None = None,
        epsilon: str | Decimal,
        purpose: str = "research",
    ) -> "Question":
        """Return the question that plain words make; `by` may be one text with commas.

        Raises:
            WrongUse: an unknown statistic, or bounds, conditions or an epsilon that cannot be read.
        """
        return cls(
            stat=_parse_stat(stat),
            column=column or None,
            table=on,
            by=_parse_names(by),
            where=parse_where(where),
            bounds=_parse_bounds(bounds),
            epsilon=PrivacyLoss.of(epsilon).epsilon,
            purpose=purpose,
        )

    def digest(self, *, inputs: Mapping[str, object]) -> str:
        """Return the SHA-256 that names this question about these inputs; its epsilon is part of it.

        `inputs`: what the answer depends on besides, such as version, consents and contract.
        The order of conditions does not matter, that of groups does (it orders the answer).
        """
        return digest_json({**self.as_record(), "schema": SCHEMA, "inputs": dict(inputs)})

    def as_record(self) -> dict[str, object]:
        """Return the question as JSON without floats."""
        return {
            "stat": str(self.stat),
            "column": self.column,
            "table": self.table,
            "by": list(self.by),
            "where": sorted([column, value] for column, value in self.where),
            "bounds": [decimal_text(bound) for bound in self.bounds] if self.bounds else None,
            "epsilon": decimal_text(self.epsilon),
            "purpose": self.purpose,
        }


def parse_where(where: str | Mapping[str, str] | Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the (column, value) pairs of `a=x`, `a = 'x' AND b = 'y'`, a list of such or a mapping.

    Raises:
        WrongUse: something else than equalities joined by AND.
    """
    if isinstance(where, Mapping):
        return tuple((str(column), str(value)) for column, value in where.items())
    texts = [where] if isinstance(where, str) else list(where)
    return tuple(_parse_condition(part) for text in texts for part in _AND.split(text) if part.strip())


def _parse_condition(text: str) -> tuple[str, str]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise WrongUse("a condition is not of the form column=value", remedy='--where "sex=female"')
    return match[1], next(value for value in match.groups()[1:] if value is not None)


def _parse_stat(name: str) -> Stat:
    if name not in tuple(Stat):
        raise WrongUse("the statistic is not known", remedy=f"one of: {', '.join(Stat)}")
    return Stat(name)


def _parse_names(names: str | Iterable[str]) -> tuple[str, ...]:
    texts = [names] if isinstance(names, str) else names
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def _parse_bounds(bounds: str | Iterable[object] | None) -> tuple[Decimal, Decimal] | None:
    if bounds is None:
        return None
    parts = bounds.split(",") if isinstance(bounds, str) else list(bounds)
    try:
        numbers = [Decimal(str(part).strip()) for part in parts]
    except InvalidOperation:
        numbers = []
    if len(numbers) != 2 or not all(n.is_finite() for n in numbers) or numbers[0] >= numbers[1]:
        raise WrongUse("bounds are not two numbers, the lower one first", remedy="as in --bounds 0.5,2.0")
    return numbers[0], numbers[1]
