"""The life of a release: which state may follow which, and who decides.

DRAFT ──> SUBMITTED ──> APPROVED ──> PUBLISHED ──> WITHDRAWN
  │           └──> REJECTED
  ├──> APPROVED            (the assessment publishes without a person)
  └──> REJECTED            (the assessment refuses)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from lakehouse.errors import Refused, WrongUse


class ReleaseState(StrEnum):
    """Where a release stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    PUBLISHED = "PUBLISHED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class Decision(StrEnum):
    """What a person may decide about a release."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


TRANSITIONS: Mapping[ReleaseState, frozenset[ReleaseState]] = {
    ReleaseState.DRAFT: frozenset({ReleaseState.SUBMITTED, ReleaseState.APPROVED, ReleaseState.REJECTED}),
    ReleaseState.SUBMITTED: frozenset({ReleaseState.APPROVED, ReleaseState.REJECTED}),
    ReleaseState.APPROVED: frozenset({ReleaseState.PUBLISHED}),
    ReleaseState.PUBLISHED: frozenset({ReleaseState.WITHDRAWN}),
    ReleaseState.REJECTED: frozenset(),
    ReleaseState.WITHDRAWN: frozenset(),
}

DECIDED: Mapping[Decision, ReleaseState] = {
    Decision.APPROVE: ReleaseState.APPROVED,
    Decision.REJECT: ReleaseState.REJECTED,
    Decision.WITHDRAW: ReleaseState.WITHDRAWN,
}
"""The state that a decision leads to; APPROVED goes on to PUBLISHED as soon as gold is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """What publish and the decisions return. k, l, t are measured on the finished table.

    table: where the rows lie, `gold.x` once published, `draft.x` before; None when nothing was
    written. suppressed: rows (or cells) left out. t: decimal text.
    """

    release: str
    product: str
    table: str | None
    version: int | None
    state: ReleaseState
    rows: int | None
    suppressed: int | None
    k: int | None
    l: int | None  # noqa: E741  the property is called l-diversity
    t: str | None
    findings: int
    reasons: tuple[str, ...]
    leaf: int | None
    file_digest: str | None
    content_digest: str | None
    repeated: bool

    def as_json(self) -> dict[str, object]:
        """Return the fields of `releases[]` (INTERFACE, Commands)."""
        return {
            "release": self.release,
            "product": self.product,
            "table": self.table,
            "version": self.version,
            "state": str(self.state),
            "rows": self.rows,
            "suppressed": self.suppressed,
            "k": self.k,
            "l": self.l,
            "t": None if self.t is None else float(self.t),
            "findings": self.findings,
            "reasons": list(self.reasons),
            "leaf": self.leaf,
            "file_digest": self.file_digest,
            "content_digest": self.content_digest,
            "repeated": self.repeated,
        }

    def outside_review(self) -> "ReleaseResult":
        """Return what stands for those who do not review releases.

        With the people left out, a published table would give the exact size of the one behind it;
        and of a table that did not leave the house nothing is counted.
        """
        rows = self.rows if self.state in (ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN) else None
        return replace(self, rows=rows, suppressed=None, reasons=())


def require_transition(old: ReleaseState, new: ReleaseState, release: str) -> None:
    """Raise Refused where `new` may not follow `old`."""
    if new not in TRANSITIONS[old]:
        following = ", ".join(sorted(TRANSITIONS[old])) or "no other state"
        raise Refused(
            f"release {release} is {old}: it cannot become {new}",
            remedy=f"from {old} it can reach {following}",
            release=release,
            state=str(old),
        )


def parse_decision(text: str) -> Decision:
    """Return the decision that `text` names; WrongUse for another word."""
    if text not in tuple(Decision):
        raise WrongUse(f"{text!r} is no decision", remedy=f"allowed: {', '.join(Decision)}")
    return Decision(text)
