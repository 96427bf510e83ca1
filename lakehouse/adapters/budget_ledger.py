"""The charges of a site in registry.db: read and added under one write lock, never taken back."""

from lakehouse.adapters.sql_registry import Row, SqlRegistry, Transaction
from lakehouse.core.budget import Balance, Charge, Measure, PrivacyLoss, balance_of
from lakehouse.core.policy import PopulationBudget
from lakehouse.errors import Damaged


class BudgetLedger:
    """Charges of all populations. Deciding and adding are one transaction: two at once cannot overspend."""

    def __init__(self, registry: SqlRegistry) -> None:
        self._registry = registry

    def charge(self, charge: Charge, budget: PopulationBudget) -> Balance:
        """Add the charge where it fits and return the balance after it; it is durable on return.

        Raises:
            BudgetExhausted: it does not fit; nothing was added.
            Damaged: charges were changed behind the registry's back.
        """
        with self._registry.transaction() as tx:
            _require_whole(tx)
            balance_of(budget, _charges(tx), charge.purpose, charge.actor).require(charge.loss)
            tx.add(
                "charges",
                charge_id=charge.charge_id,
                population=charge.population,
                purpose=charge.purpose,
                actor=charge.actor,
                measure=str(charge.loss.measure),
                micro_epsilon=charge.loss.micro,
                question_digest=charge.question_digest,
                created_at=charge.time,
            )
            return balance_of(budget, _charges(tx), charge.purpose, charge.actor)

    def balance(self, budget: PopulationBudget, purpose: str, actor: str) -> Balance:
        """Return what the actor may still spend."""
        return balance_of(budget, self.charges(), purpose, actor)

    def charges(self) -> list[Charge]:
        """Return every charge ever made."""
        with self._registry.reading() as tx:
            return _charges(tx)


def _require_whole(tx: Transaction) -> None:
    """A budget that someone gave back to themselves is not spent again."""
    if tx.check_table("charges"):
        raise Damaged("charges in registry.db were changed", remedy="livinglab fsck; restore a backup")


def _charges(tx: Transaction) -> list[Charge]:
    return [_charge(row) for row in tx.many("charges")]


def _charge(row: Row) -> Charge:
    return Charge(
        charge_id=row["charge_id"],
        population=row["population"],
        purpose=row["purpose"],
        actor=row["actor"],
        loss=PrivacyLoss(micro=row["micro_epsilon"], measure=Measure(row["measure"])),
        question_digest=row["question_digest"],
        time=row["created_at"],
    )
