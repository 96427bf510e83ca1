"""What is known about a finished product, and what follows from it.

A fact is a measured number beside its limit. A fact that does not hold has a finding, one of the
policy's approval reasons; findings the policy lists wait for a person, others are refused.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

NO_GROUPING = "no_grouping"
FAILED_CHECKS = "failed_checks"
"""Findings that no person can approve away: no policy may list them."""
WITHDRAWN_BEFORE = "withdrawn_before"
"""What a person took back a person decides about again, whatever the policy lists."""
MENDABLE = frozenset({"small_cells"})
"""Findings that coarser labels may mend."""


class Verdict(StrEnum):
    """What follows from the facts."""

    PUBLISH = "publish"
    TIGHTEN = "tighten"
    ASK_PERSON = "ask_person"
    DP_ONLY = "dp_only"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One measured number, its limit and what it means when it does not hold.

    measured, limit: text for people and records (`"5"`, `"at least 5"`); finding: the approval
    reason of a fact that fails.
    """

    name: str
    measured: str
    limit: str
    holds: bool
    finding: str

    @property
    def sentence(self) -> str:
        """The fact as people read it."""
        return f"{self.name}: {self.measured}" + (f" ({self.limit})" if self.limit else "")

    def as_json(self) -> dict[str, object]:
        """Return the fact as records keep it."""
        return {"name": self.name, "measured": self.measured, "limit": self.limit, "holds": self.holds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The facts of a product, the verdict, and the failed facts as sentences."""

    facts: tuple[Fact, ...]
    verdict: Verdict
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the assessment as records keep it."""
        return {
            "facts": [fact.as_json() for fact in self.facts],
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
        }


def assess(facts: Sequence[Fact], *, approvals: Collection[str], tightenings_left: int) -> Assessment:
    """Judge the facts. approvals: findings for which the policy lets a person decide."""
    failed = [fact for fact in facts if not fact.holds]
    findings = {fact.finding for fact in failed}
    return Assessment(
        facts=tuple(facts),
        verdict=_verdict(findings, approvals, tightenings_left),
        reasons=tuple(fact.sentence for fact in failed),
    )


def _verdict(findings: set[str], approvals: Collection[str], tightenings_left: int) -> Verdict:
    if not findings:
        return Verdict.PUBLISH
    if NO_GROUPING in findings:
        return Verdict.DP_ONLY
    if tightenings_left > 0 and findings & MENDABLE:
        return Verdict.TIGHTEN
    return Verdict.ASK_PERSON if findings <= {*approvals, WITHDRAWN_BEFORE} else Verdict.REFUSE
