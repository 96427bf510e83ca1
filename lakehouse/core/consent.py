"""Which consents cover a purpose at a moment.

Rules, in this order:
1. A record speaks for the purposes it names, from `valid_from` (included) to `valid_to` (excluded).
2. A later record with the same decision, purposes and beginning amends the earlier one
   (that is how an end is set).
3. Permits are merged, denials taken away: while one denial is valid the purpose is denied, whatever
   was recorded later. A denial that names no purpose denies every one; a permit that names none
   permits nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ConsentDecision = Literal["permit", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One record. subject: pseudonym; times are aware, None is open; recorded: its order of arrival."""

    subject: str
    decision: ConsentDecision
    purposes: frozenset[str]
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded: int = 0

    def speaks_for(self, purpose: str, at: datetime) -> bool:
        """Whether this record says something about the purpose at this moment."""
        if self.valid_from is not None and at < self.valid_from:
            return False
        if self.valid_to is not None and at >= self.valid_to:
            return False
        return purpose in self.purposes or (self.decision == "deny" and not self.purposes)


def covers(consents: Iterable[Consent], purpose: str, at: datetime) -> ConsentDecision | None:
    """Return what one person's records say about a purpose at a moment; None: nothing."""
    decisions = {record.decision for record in _amended(consents) if record.speaks_for(purpose, at)}
    if "deny" in decisions:
        return "deny"
    return "permit" if decisions else None


def is_permitted(consents: Iterable[Consent], purpose: str, at: datetime, *, without_record: bool) -> bool:
    """Whether one person's data may serve a purpose; `without_record` is the policy's default."""
    decision = covers(consents, purpose, at)
    return without_record if decision is None else decision == "permit"


def _amended(consents: Iterable[Consent]) -> Iterable[Consent]:
    latest = {
        (record.decision, record.purposes, record.valid_from): record
        for record in sorted(consents, key=lambda record: record.recorded)
    }
    return latest.values()
