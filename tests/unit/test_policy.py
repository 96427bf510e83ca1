import tomllib
from decimal import Decimal

import pytest
from contract_samples import EXPECTATIONS, POLICY

from lakehouse.adapters.contract_files import load_policy
from lakehouse.core.policy import parse_policy
from lakehouse.errors import ContractError, Refused

TEXT = (EXPECTATIONS / "policies" / "research.toml").read_text()


def test_research_permits_without_a_record_and_nothing_else_does():
    permitting = [name for name, purpose in POLICY.purposes.items() if purpose.permits_without_record]
    assert permitting == ["research"]


def test_every_purpose_has_a_legal_basis():
    assert all(purpose.legal_basis for purpose in POLICY.purposes.values())


def test_an_unknown_purpose_is_refused_with_those_there_are():
    with pytest.raises(Refused) as caught:
        POLICY.purpose("marketing")
    assert "research" in caught.value.remedy


@pytest.mark.parametrize(
    ("population", "purpose", "left"),
    [
        ("gait", "research", "5.0"),
        ("gait", "commercial", "0"),
        ("unnamed", "research", "0"),
    ],
)
def test_allowances_never_exceed_the_cap_and_default_to_nothing(population, purpose, left):
    assert POLICY.budget(population).allowance(purpose, "analyst") == Decimal(left)


def test_an_actor_s_allowance_is_the_cap_unless_the_policy_says_less():
    data = tomllib.loads(TEXT.replace("[retention_days]", 'actors = { eve = "0.5" }\n[retention_days]'))
    budget = parse_policy(data, "x").budget("gait")
    assert budget.allowance("research", "eve") == Decimal("0.5")
    assert budget.allowance("research", "analyst") == Decimal("5.0")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('without_record = "permit"', 'without_record = "maybe"', "purpose.research.without_record"),
        ("k = 5", "k = 1", "release.k"),
        ("t = 0.5", "t = 1.5", "release.t"),
        ("t = 0.5", "t = nan", "(top)"),
        ('epsilon_cap = "5.0"', "epsilon_cap = -1", "population.gait.epsilon_cap"),
        ("purposes = { research", "purposes = { reserch", "population.gait.purposes.reserch"),
        ("bronze = 3650", "", "retention_days.bronze"),
        ("approvals = [", 'approvals = ["mood", ', "approvals"),
        ("minimum_cell = 5", "minimum_cells = 5", "release.minimum_cell"),
    ],
)
def test_a_mistake_in_a_policy_is_refused(old, new, key):
    assert old in TEXT
    with pytest.raises(ContractError) as caught:
        parse_policy(tomllib.loads(TEXT.replace(old, new, 1)), "policies/research.toml")
    assert caught.value.facts["key"] == key


def test_an_unknown_policy_names_those_there_are():
    with pytest.raises(ContractError) as caught:
        load_policy(EXPECTATIONS, "research2")
    assert caught.value.facts["allowed"] == ["research"]
