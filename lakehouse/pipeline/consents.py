"""Whose data may serve a purpose now: consent records first, then the policy's default.

Checked by publish, answer, predict and training.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lakehouse.adapters.consent_rows import read_consents
from lakehouse.core.canonical import canonical_json
from lakehouse.core.consent import Consent, ConsentDecision, covers
from lakehouse.core.merkle import leaf_hash, root_of
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version

CONSENTS = "bronze.consents"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCoverage:
    """What covers a use of people's data. Sets hold pseudonyms as they were asked for.

    by_record: permitted by a consent record; by_policy: by the policy's default for people without
    one; denied: everyone else. root: Merkle root (hex) over a commitment to each permitted person.
    """

    purpose: str
    by_record: frozenset[str]
    by_policy: frozenset[str]
    denied: frozenset[str]
    root: str

    @property
    def permitted(self) -> frozenset[str]:
        """Everyone whose data may be used."""
        return self.by_record | self.by_policy

    def counts(self) -> dict[str, object]:
        """Return the numbers that records and reports show."""
        return {
            "purpose": self.purpose,
            "permitted": len(self.permitted),
            "by_record": len(self.by_record),
            "by_policy": len(self.by_policy),
            "denied": len(self.denied),
        }


def consent_coverage(site: Site, pseudonyms: Iterable[str], purpose: str) -> ConsentCoverage:
    """Return who of these people permits the purpose now, following aliases.

    Raises:
        Refused: the policy knows no such purpose.
    """
    permits_without_record = site.policy.purpose(purpose).permits_without_record
    people = site.vault.canonical(pseudonyms)
    records = _records_by_person(site)
    now = site.clock()
    said: dict[str, ConsentDecision | None] = {
        pseudonym: covers(records.get(person, ()), purpose, now) for pseudonym, person in people.items()
    }
    by_record = frozenset(name for name, decision in said.items() if decision == "permit")
    silent = frozenset(name for name, decision in said.items() if decision is None)
    by_policy = silent if permits_without_record else frozenset[str]()
    return ConsentCoverage(
        purpose=purpose,
        by_record=by_record,
        by_policy=by_policy,
        denied=frozenset(said) - by_record - by_policy,
        root=_root(
            site, {**dict.fromkeys(by_record, "record"), **dict.fromkeys(by_policy, "policy")}, purpose
        ),
    )


def permitted_subjects(site: Site, pseudonyms: Iterable[str], purpose: str) -> set[str]:
    """Return those of these people whose data may serve the purpose now."""
    return set(consent_coverage(site, pseudonyms, purpose).permitted)


def _records_by_person(site: Site) -> Mapping[str, list[Consent]]:
    version = current_version(site, CONSENTS)
    if version is None:
        return {}
    records = list(read_consents(site.lake.read(CONSENTS, version.version)))
    canonical = site.vault.canonical({record.subject for record in records})
    by_person: dict[str, list[Consent]] = {}
    for record in records:
        by_person.setdefault(canonical[record.subject], []).append(record)
    return by_person


def _root(site: Site, permitted: Mapping[str, str], purpose: str) -> str:
    """Return the root over one commitment a permitted person, sorted by value.

    Commitment: HMAC-SHA256 under the vault's `consent` key over canonical [purpose, pseudonym,
    "record" or "policy"]. It opens for one person without saying who else is in it.
    """
    key = site.vault.table_key("consent")
    commitments = sorted(
        hmac.digest(key, canonical_json([purpose, pseudonym, basis]), "sha256")
        for pseudonym, basis in permitted.items()
    )
    return root_of([leaf_hash(commitment) for commitment in commitments]).hex()
