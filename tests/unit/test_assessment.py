import pytest

from lakehouse.core.assessment import NO_GROUPING, WITHDRAWN_BEFORE, Fact, Verdict, assess

APPROVALS = ("findings", "small_cells")


def fact(finding: str, *, holds: bool = False) -> Fact:
    return Fact(name="people a cell", measured="3", limit="at least 5", holds=holds, finding=finding)


@pytest.mark.parametrize(
    ("findings", "tightenings", "verdict"),
    [
        ([], 1, Verdict.PUBLISH),
        (["small_cells"], 1, Verdict.TIGHTEN),
        (["small_cells"], 0, Verdict.ASK_PERSON),
        (["findings"], 1, Verdict.ASK_PERSON),
        (["changed_cells"], 0, Verdict.REFUSE),
        (["small_cells", "changed_cells"], 0, Verdict.REFUSE),
        ([NO_GROUPING], 1, Verdict.DP_ONLY),
        ([WITHDRAWN_BEFORE], 0, Verdict.ASK_PERSON),
        ([WITHDRAWN_BEFORE, "changed_cells"], 0, Verdict.REFUSE),
    ],
)
def test_what_follows_from_failed_facts(findings: list[str], tightenings: int, verdict: Verdict) -> None:
    facts = [fact("findings", holds=True), *(fact(finding) for finding in findings)]
    assert assess(facts, approvals=APPROVALS, tightenings_left=tightenings).verdict is verdict


def test_reasons_are_the_failed_facts_with_number_and_limit() -> None:
    judged = assess(
        [fact("small_cells"), fact("findings", holds=True)], approvals=APPROVALS, tightenings_left=0
    )
    assert judged.reasons == ("people a cell: 3 (at least 5)",)
