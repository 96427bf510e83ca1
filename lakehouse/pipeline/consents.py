"""Whose data may serve a purpose now: consent records first, then the policy's default.

Checked by publish, answer, predict and training.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lakehouse.adapters.consent_rows import read_consents
from lakehouse.core.canonical import timestamp
from lakehouse.core.consent import (
    Consent,
    commit_permissions,
    covers,
    derive_nonces,
    permissions_root,
)
from lakehouse.core.lineage import Version
from lakehouse.core.privacy_statement import CONSENTS_SCHEMA, rounded_count
from lakehouse.pipeline.log_clock import log_now
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version

CONSENTS = "bronze.consents"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentCoverage:
    """What covers a use of people's data. Sets hold pseudonyms as they were asked for.

    by_record: permitted by a consent record; by_policy: by the policy's default for people without
    one; denied: everyone else. canonical: everyone's canonical pseudonym, by the one asked for.
    root: Merkle root (hex) over a commitment to each permitted person. valid_at: the moment (RFC 3339)
    for which this holds; records: leaf of the consent records' version.
    """

    purpose: str
    by_record: frozenset[str]
    by_policy: frozenset[str]
    denied: frozenset[str]
    canonical: Mapping[str, str]
    root: str
    valid_at: str
    records: int | None

    @property
    def permitted(self) -> frozenset[str]:
        """Everyone whose data may be used."""
        return self.by_record | self.by_policy

    @property
    def people(self) -> dict[str, str]:
        """The canonical pseudonym of everyone whose data may be used, by the one asked for."""
        return {name: self.canonical[name] for name in self.permitted}

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
    canonical = site.vault.canonical(pseudonyms)
    version = current_version(site, CONSENTS)
    records = consents_by_person(site, version)
    now = log_now(site)
    said = {person: covers(own, purpose, now) for person, own in records.items()}
    by_record = frozenset(name for name, person in canonical.items() if said.get(person) == "permit")
    silent = (name for name, person in canonical.items() if said.get(person) is None)
    by_policy = frozenset(silent if permits_without_record else ())
    bases = {**dict.fromkeys(by_record, "record"), **dict.fromkeys(by_policy, "policy")}
    return ConsentCoverage(
        purpose=purpose,
        by_record=by_record,
        by_policy=by_policy,
        denied=frozenset(canonical) - by_record - by_policy,
        canonical=canonical,
        root=_root(site, bases, purpose),
        valid_at=timestamp(now),
        records=None if version is None else version.leaf,
    )


def state_consents(site: Site, coverage: ConsentCoverage) -> dict[str, object]:
    """Return the public statement of a coverage, once the vault keeps who is behind it.

    It has the root, rounded counts, the moment and the legal basis; `permitted_people` opens it.
    """
    members = {"record": coverage.by_record, "policy": coverage.by_policy}
    site.vault.remember_cells(_coverage_name(coverage.purpose, coverage.root), members)
    step = site.policy.floor.round_to
    return {
        "schema": CONSENTS_SCHEMA,
        "purpose": coverage.purpose,
        "legal_basis": site.policy.purpose(coverage.purpose).legal_basis,
        "valid_at": coverage.valid_at,
        "records": coverage.records,
        "root": coverage.root,
        "permitted": rounded_count(len(coverage.permitted), step),
        "by_record": rounded_count(len(coverage.by_record), step),
        "by_policy": rounded_count(len(coverage.by_policy), step),
        "denied": rounded_count(len(coverage.denied), step),
        "rounded_to": step,
    }


def permitted_people(site: Site, purpose: str, root: str) -> dict[str, str]:
    """Return why each person behind a stated root was permitted ("record" or "policy"), by pseudonym."""
    members = site.vault.cells_of(_coverage_name(purpose, root))
    return {name: basis for basis, people in members.items() for name in people}


def _coverage_name(purpose: str, root: str) -> str:
    return f"consents/{purpose}/{root}"


def permission_nonces(site: Site, purpose: str, pseudonyms: Iterable[str]) -> Iterator[bytes]:
    """Yield the nonce (32 bytes) that opens each person's commitment for one purpose, and nothing else.

    The same for the same home, purpose and person, so that equal consents give an equal root.
    """
    return derive_nonces(site.vault.table_key("consent"), purpose, pseudonyms)


def count_refusals(site: Site) -> dict[str, int]:
    """Return how many people refuse each purpose of the policy now by a record of their own, exactly."""
    records = consents_by_person(site, current_version(site, CONSENTS))
    now = log_now(site)
    return {
        purpose: sum(covers(own, purpose, now) == "deny" for own in records.values())
        for purpose in site.policy.purposes
    }


def consents_by_person(site: Site, version: Version | None) -> Mapping[str, list[Consent]]:
    """Return the consent records of a version, by canonical pseudonym; none without a version."""
    if version is None:
        return {}
    records = list(read_consents(site.lake.read(CONSENTS, version.version)))
    canonical = site.vault.canonical({record.subject for record in records})
    by_person: dict[str, list[Consent]] = {}
    for record in records:
        by_person.setdefault(canonical[record.subject], []).append(record)
    return by_person


def _root(site: Site, permitted: Mapping[str, str], purpose: str) -> str:
    """Return the root over one commitment a permitted person: each opens without saying who else is in it."""
    nonces = permission_nonces(site, purpose, permitted)
    return permissions_root(commit_permissions(nonces, purpose, permitted))
