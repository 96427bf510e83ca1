"""What is told about a release does not give the numbers of people that it hides."""

from fractions import Fraction
from pathlib import Path

import pytest

from lakehouse.core.contract import Contracts
from lakehouse.core.groups import GroupMeasures
from lakehouse.core.hierarchies import Bands, Categories
from lakehouse.core.privacy_statement import (
    MeasuredRelease,
    foreign_labels,
    parse_release_rules_json,
    release_measures,
    release_rules_json,
    rounded_count,
    share_text,
)
from lakehouse.core.release_rules import ReleaseRules, parse_release_rules

PROJECT = Path(__file__).parents[2]
PENALTY = Fraction(1, 4)
"""What each row that stays has lost: anybody who holds the table and the contract sees it."""


@pytest.fixture(scope="module")
def rules() -> ReleaseRules:
    from lakehouse.adapters.contract_files import load_contracts, load_policy

    contracts: Contracts = load_contracts(PROJECT / "expectations")
    policy = load_policy(PROJECT / "expectations", "research")
    return parse_release_rules(contracts.gold("gait_people_open"), policy.floor)


def told(rules: ReleaseRules, kept: int, left_out: int, k: int = 6, findings: int = 0) -> dict[str, object]:
    loss = (PENALTY * kept + left_out) / (kept + left_out)
    groups = GroupMeasures(k=k, l=2, t=Fraction(1, 3))
    measured = MeasuredRelease(
        groups=groups, rows=kept, suppressed=left_out, total=kept + left_out, loss=loss, findings=findings
    )
    return release_measures(rules, measured)


@pytest.mark.parametrize("kept", [44, 47, 90])
def test_nobody_learns_how_many_were_left_out(rules: ReleaseRules, kept: int) -> None:
    """Who holds the table knows `kept`; from three people left out to seven, all that is told is the same."""
    assert len({str(told(rules, kept, left_out)) for left_out in range(3, 8)}) == 1
    assert told(rules, kept, 2)["suppression"] == "0"


def test_exact_shares_would_tell(rules: ReleaseRules) -> None:
    """The broken variant: four exact places name the number of people left out."""
    exact = {share_text(Fraction(left_out, 47 + left_out)) for left_out in range(3, 8)}
    losses = {share_text((PENALTY * 47 + n) / (47 + n)) for n in range(3, 8)}
    assert len(exact) == len(losses) == 5


def test_a_k_below_its_target_is_missed_not_told(rules: ReleaseRules) -> None:
    assert told(rules, 40, 0, k=5)["k"] == 5
    assert told(rules, 40, 0, k=4)["k"] is None


def test_one_finding_is_never_none(rules: ReleaseRules) -> None:
    assert [told(rules, 40, 0, findings=found)["findings"] for found in (0, 1, 5, 6)] == [0, 5, 5, 10]


def test_nothing_left_is_still_a_statement(rules: ReleaseRules) -> None:
    groups = GroupMeasures(k=0, l=None, t=None)
    nothing = MeasuredRelease(groups=groups, rows=0, suppressed=4, total=4, loss=Fraction(1), findings=0)
    assert release_measures(rules, nothing)["suppression"] == "1"
    assert release_measures(rules, nothing)["loss"] == "1"


def test_counts_are_rounded_to_the_nearest_step() -> None:
    assert [rounded_count(exact, 5) for exact in (0, 2, 3, 7, 8)] == [0, 0, 5, 5, 10]


def test_rules_and_levels_come_back_from_a_statement(rules: ReleaseRules) -> None:
    again, levels = parse_release_rules_json(release_rules_json(rules, [1, 2]))
    assert levels == (1, 2)
    assert (again.kind, again.released_quasi, again.sensitive, again.round_to, again.targets.k) == (
        rules.kind,
        rules.released_quasi,
        rules.sensitive,
        rules.round_to,
        rules.targets.k,
    )
    assert [quasi.hierarchy for quasi in again.quasi_identifiers] == [
        quasi.hierarchy for quasi in rules.quasi_identifiers
    ]


BANDS = Bands(widths=(10, 20), domain=(0, 100), top=90)
GROUPS = Categories(values=("a", "b", "c"), groupings=({"a": "ab", "b": "ab"},))


@pytest.mark.parametrize(
    ("hierarchy", "level", "labels", "foreign"),
    [
        (BANDS, 0, ["60-69", "90+", "unknown"], 0),
        (BANDS, 0, ["60-79", "61-70", "64", "*", "", None, "-5"], 7),
        (BANDS, 1, ["60-79", "80+"], 0),
        (BANDS, 2, ["*"], 0),
        (BANDS, 2, ["60-79", "unknown"], 2),
        (GROUPS, 0, ["a", "b", "c", "unknown"], 0),
        (GROUPS, 1, ["ab", "c"], 0),
        (GROUPS, 1, ["a", "Ada"], 2),
        (GROUPS, 2, ["*"], 0),
    ],
)
def test_labels_that_a_level_cannot_make_are_counted(
    hierarchy: Bands | Categories, level: int, labels: list[str | None], foreign: int
) -> None:
    assert foreign_labels(hierarchy, level, labels) == foreign
