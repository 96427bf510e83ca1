"""A question held against its contract: what of it may be answered, and how.

Everything in a plan is public: the cells, the clamps, the rows a person may contribute, the loss.
"""

import itertools
import math
from dataclasses import dataclass, replace
from decimal import Decimal

from lakehouse.core.budget import PrivacyLoss
from lakehouse.core.contract import Column, ColumnType, Contracts, DatasetContract, Layer, Statistic
from lakehouse.core.question import Question, Stat
from lakehouse.errors import Refused, WrongUse

LARGEST_ANSWER = 10_000
"""The most cells one answer may have."""

ROWS = "rows"
"""The unit of a count: rows of the table, each its grain (one walk)."""

_NUMERIC = (ColumnType.INTEGER, ColumnType.NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """A column to group by, with its public values."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlan:
    """A question held against its contract. Nothing in it comes from data.

    bounds: the clamps in force (None for counts). order: the keys that put a person's rows in order.
    rows_per_person: rows of one person beyond this many are left out. minimum_people: what the
    contract promises about the smallest cell, for previews. unit: of the value.
    """

    question: Question
    population: str
    keys: tuple[GroupKey, ...]
    bounds: tuple[Decimal, Decimal] | None
    order: tuple[str, ...]
    rows_per_person: int
    minimum_people: int
    unit: str | None

    @property
    def loss(self) -> PrivacyLoss:
        """What the answer costs."""
        return PrivacyLoss.of(self.question.epsilon)

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The keys of every cell in order, the last column fastest; one empty key without groups."""
        return tuple(itertools.product(*(key.values for key in self.keys)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the answer reads, the person's pseudonym first."""
        named = (self.question.column, *self.question.by, *(column for column, _ in self.question.where))
        return tuple(dict.fromkeys(("subject", *self.order, *(name for name in named if name))))


def plan_question(question: Question, contracts: Contracts) -> AnswerPlan:
    """Return how the contract lets the question be answered.

    Raises:
        WrongUse: an unknown table, column or group value, or a call that is not of the statistic's form.
        Refused: the table or the column has no private statistics, or groups are not public.
    """
    contract = _askable(question.table, contracts)
    asked = _histogram_as_count(question)
    column = _measured(asked, contract)
    _check_form(asked)
    _check_where(asked, contract)
    keys = tuple(GroupKey(column=n, values=_public_groups(n, contract)) for n in asked.by)
    cells = math.prod(len(key.values) for key in keys)
    if cells > LARGEST_ANSWER:
        raise WrongUse(f"an answer of {cells} cells; at most {LARGEST_ANSWER}", remedy="group by less")
    measured = None if asked.stat is Stat.COUNT else column
    bounds = None if measured is None else _clamps(asked, measured)
    return AnswerPlan(
        question=replace(asked, bounds=bounds),
        population=contract.population,
        keys=keys,
        bounds=bounds,
        order=contract.keys,
        rows_per_person=contract.maximum_rows_per_person or 1,
        minimum_people=contract.public_minimum_people or 1,
        unit=ROWS if measured is None else measured.unit,
    )


def askable_tables(contracts: Contracts) -> tuple[str, ...]:
    """Return the tables that have private statistics."""
    return tuple(contract.table for contract in contracts if _has_private_statistics(contract))


def _has_private_statistics(contract: DatasetContract) -> bool:
    return contract.layer is Layer.SILVER and any(c.statistic is Statistic.PRIVATE for c in contract.columns)


def _askable(table: str, contracts: Contracts) -> DatasetContract:
    contract = contracts.find(table)
    askable = ", ".join(askable_tables(contracts)) or "none"
    if contract is None:
        raise WrongUse(f"there is no table {table!r}", remedy=f"tables with private answers: {askable}")
    if contract.layer is Layer.GOLD:
        raise Refused(f"{table} is released: it is queried, not asked", remedy="livinglab query")
    if not _has_private_statistics(contract):
        raise Refused(f"{table} has no private statistics", remedy=f"tables with private answers: {askable}")
    if contract.maximum_rows_per_person is None or not contract.population:
        raise Refused(
            f"{table} cannot be answered: its contract states no maximum_rows_per_person or population",
            remedy=f"an engineer can state them in {contract.file}",
        )
    return contract


def _histogram_as_count(question: Question) -> Question:
    """A histogram of a column with public groups is a count by that column."""
    if question.stat is not Stat.HISTOGRAM:
        return question
    if question.column is None:
        raise WrongUse("a histogram needs a column", remedy="livinglab ask histogram COLUMN --on TABLE")
    return replace(question, stat=Stat.COUNT, column=None, by=(*question.by, question.column))


def _measured(question: Question, contract: DatasetContract) -> Column | None:
    """Return the column whose values are counted, summed or averaged."""
    private = [column.name for column in contract.columns if column.statistic is Statistic.PRIVATE]
    remedy = f"columns with private answers: {', '.join(private)}"
    if question.stat is Stat.QUANTILE:
        raise WrongUse("quantiles are not answered yet", remedy="ask for count, sum, mean or histogram")
    if question.column is None:
        if question.stat is not Stat.COUNT:
            raise WrongUse(f"{question.stat} needs a column", remedy=remedy)
        return None
    column = contract.column(question.column)
    if column is None:
        raise WrongUse(f"{contract.table} has no column {question.column!r}", remedy=remedy)
    if column.statistic is not Statistic.PRIVATE:
        raise Refused(f"{question.column!r} of {contract.table} has no private statistics", remedy=remedy)
    if question.stat is not Stat.COUNT and (column.type not in _NUMERIC or column.bounds is None):
        raise Refused(f"{question.column!r} has no public bounds: it can only be counted", remedy=remedy)
    return column


def _check_form(question: Question) -> None:
    named = (*question.by, *(name for name, _ in question.where))
    if len(set(named)) != len(named):
        raise WrongUse("a column stands twice among groups and conditions", remedy="name each column once")
    if question.bounds is not None and question.stat is Stat.COUNT:
        raise WrongUse("a count has no bounds", remedy="leave out --bounds")


def _public_groups(name: str, contract: DatasetContract) -> tuple[str, ...]:
    column = contract.column(name)
    grouping = [c.name for c in contract.columns if c.groups]
    remedy = f"columns with public groups: {', '.join(grouping) or 'none'}"
    if column is None:
        raise WrongUse(f"{contract.table} has no column {name!r}", remedy=remedy)
    if not column.groups:
        raise Refused(f"the values of {name!r} are not public: no grouping by it", remedy=remedy)
    return column.groups


def _check_where(question: Question, contract: DatasetContract) -> None:
    for name, value in question.where:
        groups = _public_groups(name, contract)
        if value not in groups:
            raise WrongUse(f"the condition on {name!r} is not one of its groups", remedy=", ".join(groups))


def _clamps(question: Question, column: Column) -> tuple[Decimal, Decimal]:
    if column.bounds is None:
        raise Refused(f"{column.name!r} has no public bounds", remedy="ask for a count")
    lower, upper = column.bounds
    if question.bounds is None:
        return lower, upper
    if question.bounds[0] < lower or question.bounds[1] > upper:
        raise WrongUse(
            f"the bounds must lie within {lower} and {upper} {column.unit or ''}".strip(),
            remedy="narrower bounds than the contract's give a more exact answer",
        )
    return question.bounds
