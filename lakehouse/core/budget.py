"""How much privacy loss a population has left: exact amounts, pure decisions.

A population has one cap, for ever; under it stand allowances per purpose and per actor (PROTOCOLS
section 5). Pure epsilons add up. Amounts are whole millionths of epsilon: no sum ever rounds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lakehouse.core.policy import PopulationBudget
from lakehouse.errors import BudgetExhausted, WrongUse

MICRO = 1_000_000
LARGEST_EPSILON = 1_000
USUAL_EPSILON = Decimal("0.5")
"""What an ordinary question costs; `questions_left` is counted in it."""
AMOUNT = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6}0*)?|\.[0-9]{1,6}0*", re.ASCII)
"""How an amount is written. `Decimal` reads more: `1_0`, other scripts' digits, digits that round away."""


class Measure(StrEnum):
    """How a privacy loss is measured. Pure epsilon is what the mechanisms in use guarantee."""

    EPSILON = "epsilon"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyLoss:
    """An amount of privacy loss in millionths: `PrivacyLoss.of("0.5").micro == 500_000`."""

    micro: int
    measure: Measure = Measure.EPSILON

    @classmethod
    def of(cls, amount: str | Decimal) -> "PrivacyLoss":
        """Return the loss that a decimal text names.

        Raises:
            WrongUse: not a positive decimal of at most six places, or above 1000.
        """
        text = f"{amount:f}" if isinstance(amount, Decimal) else amount
        value = Decimal(text) if AMOUNT.fullmatch(text) else Decimal(0)
        if not 0 < value <= LARGEST_EPSILON:
            raise WrongUse(
                "epsilon is not a decimal above 0 of at most six places",
                remedy="for example --epsilon 0.5",
            )
        return cls(micro=int(value * MICRO))

    @property
    def epsilon(self) -> Decimal:
        """The exact amount."""
        return epsilon_of(self.micro)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One debit. It is never taken back: a crash after it loses the budget, not the privacy.

    actor: the name who asked. time: RFC 3339, UTC.
    """

    charge_id: str
    population: str
    purpose: str
    actor: str
    loss: PrivacyLoss
    question_digest: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What one actor may still spend on a population for a purpose, in millionths.

    cap: the most that the charges under `purpose` can come to; spent: what they come to.
    own_left: what is left to this actor, never more than `left`.
    """

    population: str
    purpose: str
    cap: int
    spent: int
    own_left: int

    @property
    def left(self) -> int:
        """cap - spent, exactly."""
        return self.cap - self.spent

    def require(self, loss: PrivacyLoss) -> None:
        """Raise BudgetExhausted where the loss does not fit; says requested, left and short."""
        if loss.micro <= self.own_left:
            return
        requested, left = micro_text(loss.micro), micro_text(self.own_left)
        short = micro_text(loss.micro - self.own_left)
        raise BudgetExhausted(
            f"cannot answer on population {self.population!r} for {self.purpose!r}: "
            f"requested epsilon {requested}, left {left}, short by {short}",
            remedy=f"ask with --epsilon {left} or less" if self.own_left > 0 else "nothing is left to spend",
            population=self.population,
            purpose=self.purpose,
            requested=requested,
            left=left,
            short=short,
        )


def balance_of(budget: PopulationBudget, charges: Iterable[Charge], purpose: str, actor: str) -> Balance:
    """Return what is left of a population's budget after its charges (those of other ones are ignored)."""
    own = [charge for charge in charges if charge.population == budget.population]
    total = _sum(own)
    spent = _sum(charge for charge in own if charge.purpose == purpose)
    for_purpose = min(_floor(budget.cap), _floor(budget.purposes.get(purpose, Decimal(0))))
    cap = min(for_purpose, _floor(budget.cap) - (total - spent))
    for_actor = _floor(budget.actors.get(actor, budget.cap))
    own_left = min(cap - spent, for_actor - _sum(charge for charge in own if charge.actor == actor))
    return Balance(
        population=budget.population, purpose=purpose, cap=cap, spent=spent, own_left=max(0, own_left)
    )


def spent_by_actor(charges: Iterable[Charge]) -> dict[str, int]:
    """Return the millionths each actor spent, the largest first."""
    totals: dict[str, int] = {}
    for charge in charges:
        totals[charge.actor] = totals.get(charge.actor, 0) + charge.loss.micro
    return dict(sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])))


def epsilon_of(micro: int) -> Decimal:
    """Return the amount of so many millionths."""
    return Decimal(micro) / MICRO


def micro_text(micro: int) -> str:
    """Return the amount of so many millionths as decimal text."""
    return decimal_text(epsilon_of(micro))


def decimal_text(amount: Decimal) -> str:
    """Return a plain decimal with at least one place: `0.5`, `5.0`, `0.25`."""
    text = format(amount.normalize(), "f")
    return text if "." in text else f"{text}.0"


def _sum(charges: Iterable[Charge]) -> int:
    return sum(charge.loss.micro for charge in charges)


def _floor(amount: Decimal) -> int:
    return int(amount * MICRO)
