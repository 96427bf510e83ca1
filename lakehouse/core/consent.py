"""Which consents cover a purpose at a moment.

1. A record speaks for the purposes it names, from `valid_from` (included) to `valid_to` (excluded). A
   denial that names no purpose speaks for every one; a permit that names none permits nothing.
2. Permits are merged and denials taken away: where both speak, the purpose is denied.
3. People change their minds: a permit overcomes a denial if both say when they began and the permit
   began later. A denial that does not say it is overcome by nothing.

The order in which records arrived decides nothing, so files may come late or twice.

A record of the log carries one root over everybody whose data may be used: the RFC 6962 tree over the
commitments sorted by value, one a person, each opened by a nonce of its own.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lakehouse.core.canonical import canonical_json, canonical_text
from lakehouse.core.many_macs import many_macs, paired_macs
from lakehouse.core.merkle import leaf_hash, root_of

ConsentDecision = Literal["permit", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One record. subject: pseudonym; times are aware, None is open."""

    subject: str
    decision: ConsentDecision
    purposes: frozenset[str]
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def speaks_for(self, purpose: str, at: datetime) -> bool:
        """Whether this record says something about the purpose at this moment."""
        if self.valid_from is not None and at < self.valid_from:
            return False
        if self.valid_to is not None and at >= self.valid_to:
            return False
        return purpose in self.purposes or (self.decision == "deny" and not self.purposes)


def covers(consents: Iterable[Consent], purpose: str, at: datetime) -> ConsentDecision | None:
    """Return what one person's records say about a purpose at a moment; None: nothing."""
    speaking = [record for record in consents if record.speaks_for(purpose, at)]
    permits = [record for record in speaking if record.decision == "permit"]
    denials = [record for record in speaking if record.decision == "deny"]
    if any(not _is_overcome(denial, permits) for denial in denials):
        return "deny"
    return "permit" if permits else None


def commit_permission(nonce: bytes, purpose: str, pseudonym: str, basis: str) -> bytes:
    """Return one person's commitment: HMAC-SHA256(nonce, canonical [purpose, pseudonym, basis]).

    basis: "record" where a consent record permits, "policy" where the policy's default does.
    """
    return hmac.digest(nonce, canonical_json([purpose, pseudonym, basis]), hashlib.sha256)


def derive_nonces(key: bytes, purpose: str, pseudonyms: Iterable[str]) -> Iterator[bytes]:
    """Yield each person's nonce (32 bytes): HMAC-SHA256(key, canonical [purpose, pseudonym])."""
    head = _begin_list(purpose)
    return many_macs(key, (head + canonical_text(pseudonym) + b"]" for pseudonym in pseudonyms))


def commit_permissions(nonces: Iterable[bytes], purpose: str, bases: Mapping[str, str]) -> Iterator[bytes]:
    """Yield `commit_permission` of many people; bases: by pseudonym, nonces: in the order of `bases`."""
    head = _begin_list(purpose)
    tails = {basis: b"," + canonical_text(basis) + b"]" for basis in set(bases.values())}
    messages = (head + canonical_text(pseudonym) + tails[basis] for pseudonym, basis in bases.items())
    return paired_macs(zip(nonces, messages, strict=True))


def permissions_root(commitments: Iterable[bytes]) -> str:
    """Return the root (hex) over commitments; their order does not matter."""
    return root_of(map(leaf_hash, sorted(commitments))).hex()


def _begin_list(purpose: str) -> bytes:
    """Return what the canonical lists that begin with a purpose have in common."""
    return b"[" + canonical_text(purpose) + b","


def _is_overcome(denial: Consent, permits: Iterable[Consent]) -> bool:
    return denial.valid_from is not None and any(
        permit.valid_from is not None and permit.valid_from > denial.valid_from for permit in permits
    )
