from decimal import Decimal

import pytest

from lakehouse.core.budget import Charge, PrivacyLoss, balance_of, decimal_text, spent_by_actor
from lakehouse.core.policy import PopulationBudget
from lakehouse.errors import BudgetExhausted, WrongUse

GAIT = PopulationBudget(
    population="gait",
    cap=Decimal("5.0"),
    purposes={"research": Decimal("5.0"), "care": Decimal("3.0")},
    actors={"ben": Decimal("1.0")},
)


def charge(
    epsilon: str, *, purpose: str = "research", actor: str = "ada", population: str = "gait"
) -> Charge:
    return Charge(
        charge_id=epsilon + actor, population=population, purpose=purpose, actor=actor,
        loss=PrivacyLoss.of(epsilon), question_digest="", time="",
    )  # fmt: skip


def test_ten_tenths_are_exactly_one():
    """Amounts are whole millionths: ten charges of 0.1 leave exactly 4.0 of 5.0."""
    balance = balance_of(GAIT, [charge("0.1")] * 10, "research", "ada")
    assert (balance.spent, balance.left) == (1_000_000, 4_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0.5",
        "nan",
        "inf",
        "0.0000001",
        "half",
        "",
        "1e9",
        "1001",
        "1_0",
        "\u0661",
        " 0.1",
        "1." + "0" * 40 + "1",
    ],
)
def test_an_epsilon_that_is_no_positive_decimal_is_wrong_use(text):
    """Zero, negative, not finite, finer than a millionth or huge amounts are refused."""
    with pytest.raises(WrongUse, match="epsilon is not"):
        PrivacyLoss.of(text)


def test_a_refused_charge_says_requested_left_and_short():
    """4.8 of 5.0 are spent: 0.5 does not fit by 0.3."""
    balance = balance_of(GAIT, [charge("4.8")], "research", "ada")
    with pytest.raises(BudgetExhausted) as refusal:
        balance.require(PrivacyLoss.of("0.5"))
    assert {k: refusal.value.facts[k] for k in ("requested", "left", "short")} == {
        "requested": "0.5",
        "left": "0.2",
        "short": "0.3",
    }


def test_the_whole_rest_may_be_spent():
    """A charge of exactly what is left fits."""
    balance_of(GAIT, [charge("4.8")], "research", "ada").require(PrivacyLoss.of("0.2"))


def test_purposes_share_the_cap_of_the_population():
    """Care may spend 3.0 by itself, but 4.0 spent for research leave it 1.0."""
    balance = balance_of(GAIT, [charge("4.0")], "care", "ada")
    assert (balance.cap, balance.left) == (1_000_000, 1_000_000)


def test_an_actor_may_have_less_than_the_purpose():
    """Ben's allowance is 1.0 although 4.3 are left to the purpose."""
    balance = balance_of(GAIT, [charge("0.7", actor="ben")], "research", "ben")
    assert (balance.left, balance.own_left) == (4_300_000, 300_000)


def test_a_purpose_that_the_policy_does_not_name_has_nothing():
    """No allowance means a cap of zero, not the whole cap."""
    assert balance_of(GAIT, [], "advertising", "ada").cap == 0


def test_other_populations_do_not_count():
    """Charges of other people's data change nothing."""
    assert balance_of(GAIT, [charge("5.0", population="clinic")], "research", "ada").spent == 0


def test_spending_is_listed_by_actor_the_largest_first():
    """`budget` shows who spent what."""
    charges = [charge("0.5"), charge("2.0", actor="ben"), charge("0.25")]
    assert spent_by_actor(charges) == {"ben": 2_000_000, "ada": 750_000}


@pytest.mark.parametrize(("amount", "text"), [("5", "5.0"), ("0.500000", "0.5"), ("0.000001", "0.000001")])
def test_amounts_are_plain_decimals(amount, text):
    """No exponent, at least one place."""
    assert decimal_text(Decimal(amount)) == text
