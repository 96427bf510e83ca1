"""Many processes at once never spend more than the cap."""

import multiprocessing
import secrets
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from asked_lab import TABLE, one_walk_each, open_lab
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.adapters.budget_ledger import BudgetLedger
from lakehouse.adapters.sql_registry import SEALS, SqlRegistry
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.core.budget import Balance, Charge, PrivacyLoss, balance_of
from lakehouse.core.policy import PopulationBudget
from lakehouse.core.question import Question
from lakehouse.errors import BudgetExhausted
from lakehouse.pipeline.answer import answer
from lakehouse.ports import Store
from tests.kept_stores import KeptStore

BUDGET = PopulationBudget(population="gait", cap=Decimal("1.0"), purposes={"research": Decimal("1.0")})
KEY = b"k" * 32
PROCESSES, EACH = 6, 5


CONTEXT = multiprocessing.get_context("fork")
ALL_HAVE_READ = CONTEXT.Barrier(PROCESSES, timeout=300)


class ReadThenInsertLedger(BudgetLedger):
    """Broken on purpose: decides outside the transaction that adds, here when all others have decided."""

    def charge(self, charge: Charge, budget: PopulationBudget) -> Balance:
        balance_of(budget, self.charges(), charge.purpose, charge.actor).require(charge.loss)
        ALL_HAVE_READ.wait()
        return super().charge(
            charge, PopulationBudget(population="gait", cap=Decimal(99), purposes={"research": Decimal(99)})
        )


def new_charge(epsilon: str) -> Charge:
    return Charge(
        charge_id=secrets.token_hex(8), population="gait", purpose="research", actor="ada",
        loss=PrivacyLoss.of(epsilon), question_digest="", time="2026-11-22T10:00:00Z",
    )  # fmt: skip


@pytest.fixture
def store(keep_in: Callable[..., KeptStore]) -> Store:
    return keep_in("registry.db", "the registry", SEALS).store


def open_registry(store: Store) -> SqlRegistry:
    registry = SqlRegistry(store, KEY)
    registry.create()
    return registry


def spend(store: Store, kind: type[BudgetLedger], start) -> None:
    ledger = kind(SqlRegistry(store, KEY))
    start.wait()
    for _ in range(EACH):
        try:
            ledger.charge(new_charge("0.13"), BUDGET)
        except BudgetExhausted:
            return


def spent_by_processes(store: Store, kind: type[BudgetLedger]) -> Decimal:
    registry = open_registry(store)
    start = CONTEXT.Barrier(PROCESSES)
    workers = [CONTEXT.Process(target=spend, args=(store, kind, start)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    return sum((charge.loss.epsilon for charge in BudgetLedger(registry).charges()), Decimal(0))


def test_processes_that_spend_at_once_stay_under_the_cap(store):
    """Six processes want 3.9 of 1.0: seven charges of 0.13 fit, 0.91, and not one more."""
    assert spent_by_processes(store, BudgetLedger) == Decimal("0.91")


def test_a_ledger_that_reads_and_then_inserts_would_be_caught(store):
    """Positive control: twice all six decide before any of them adds, and all are let in."""
    assert spent_by_processes(store, ReadThenInsertLedger) == Decimal("1.56")


@settings(deadline=None, max_examples=25)
@given(amounts=st.lists(st.integers(1, 600_000), max_size=12))
def test_spent_is_the_sum_of_what_was_granted_and_never_above_the_cap(tmp_path_factory, amounts):
    """Any sequence of exact amounts: granted charges add up to `spent`, refused ones change nothing."""
    ledger = BudgetLedger(
        open_registry(SqliteStore(tmp_path_factory.mktemp("ledger") / "registry.db", "the registry"))
    )
    granted = 0
    for micro in amounts:
        charge = new_charge(str(Decimal(micro) / 1_000_000))
        if granted + micro <= 1_000_000:
            granted += micro
            assert ledger.charge(charge, BUDGET).spent == granted
        else:
            with pytest.raises(BudgetExhausted):
                ledger.charge(charge, BUDGET)
    assert ledger.balance(BUDGET, "research", "ada").spent == granted


def ask_in_process(home: Path, start) -> None:
    site = open_lab(home, one_walk_each(40))
    start.wait()
    answer(site, Question.of("count", on=TABLE, epsilon="0.5"))


def test_the_same_question_from_many_processes_is_paid_once(tmp_path):
    """Whoever comes second finds the stored answer."""
    site = open_lab(tmp_path, one_walk_each(40))
    start = CONTEXT.Barrier(4)
    workers = [CONTEXT.Process(target=ask_in_process, args=(tmp_path, start)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(BudgetLedger(site.registry).charges()) == 1
