"""What private answers have cost and may still cost."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.adapters.budget_ledger import BudgetLedger
from lakehouse.core.answer_plan import askable_tables
from lakehouse.core.budget import (
    MICRO,
    USUAL_EPSILON,
    Balance,
    balance_of,
    micro_text,
    spent_by_actor,
)
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """What a population's answers cost and may still cost for one purpose; amounts as decimal text."""

    population: str
    purpose: str
    cap: str
    spent: str
    left: str
    questions_left: int
    by: Mapping[str, str]

    def as_json(self) -> dict[str, object]:
        """Return one object of `rows[]` (INTERFACE, `budget`)."""
        return {
            "population": self.population,
            "purpose": self.purpose,
            "cap": self.cap,
            "spent": self.spent,
            "left": self.left,
            "questions_left": self.questions_left,
            "by": [{"actor": actor, "spent": spent} for actor, spent in self.by.items()],
        }


def budget_rows(site: Site, table: str | None = None) -> list[BudgetRow]:
    """Return one row a population and purpose, of all populations or of the one of `table`."""
    site.actor.require("budget")
    charges = BudgetLedger(site.registry).charges()
    rows = []
    for population in _populations(site, table):
        budget = site.policy.budget(population)
        for purpose in budget.purposes:
            balance = balance_of(budget, charges, purpose, site.actor.name)
            own = [c for c in charges if (c.population, c.purpose) == (population, purpose)]
            rows.append(_budget_row(balance, spent_by_actor(own)))
    return rows


def _populations(site: Site, table: str | None) -> list[str]:
    if table is None:
        asked = (site.contracts.by_table[name].population for name in askable_tables(site.contracts))
        return sorted({*asked, *site.policy.budgets} - {""})
    return [site.contracts.require(table).population]


def _budget_row(balance: Balance, spent: Mapping[str, int]) -> BudgetRow:
    return BudgetRow(
        population=balance.population,
        purpose=balance.purpose,
        cap=micro_text(balance.cap),
        spent=micro_text(balance.spent),
        left=micro_text(balance.left),
        questions_left=max(0, balance.own_left) // int(USUAL_EPSILON * MICRO),
        by={actor: micro_text(micro) for actor, micro in spent.items()},
    )
