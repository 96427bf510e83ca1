"""What a person says of the use of their data: landed like every consent record, in force from the next run.

PROTOCOLS section 4. The record goes through the reader, rules and quarantine of the data set `consents` and
gets its version and leaf there. What was published, answered or trained before is not undone by it: it is
named, with the command that makes it anew.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lakehouse.core.canonical import timestamp
from lakehouse.core.consent import Consent, ConsentDecision, covers
from lakehouse.core.contract import DatasetContract
from lakehouse.errors import Damaged, Refused, WrongUse
from lakehouse.pipeline.access import known_pseudonyms
from lakehouse.pipeline.consent_uses import Use, count_answers, current_uses
from lakehouse.pipeline.consents import CONSENTS, consent_coverage, consents_by_person
from lakehouse.pipeline.land import land_found
from lakehouse.pipeline.log_clock import log_now
from lakehouse.pipeline.log_records import require_current_home
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version
from lakehouse.readers import find_reader
from lakehouse.readers.input_files import FileRows, InputFile

EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChange:
    """A decision that is landed, or was before (`repeated`); no field names the person.

    holds: what every purpose of the policy may do with the person's data now, "permit" or "deny".
    releases, answers, models: how many of those that stand were made with the person, for these purposes.
    redo: those of them that no longer agree with the decision.
    """

    decision: ConsentDecision
    purposes: tuple[str, ...]
    version: int
    leaf: int
    repeated: bool
    holds: Mapping[str, str]
    releases: int
    answers: int
    models: int
    redo: tuple[Use, ...]

    def as_json(self) -> dict[str, object]:
        """Return the fields of `consent withdraw` and `consent permit`."""
        return {
            "table": CONSENTS,
            "version": self.version,
            "leaf": self.leaf,
            "decision": self.decision,
            "purposes": list(self.purposes),
            "repeated": self.repeated,
            "holds": dict(self.holds),
            "made_with": {"releases": self.releases, "answers": self.answers, "models": self.models},
            "redo": [use.as_json() for use in self.redo],
        }


def change_consent(
    site: Site,
    person: str,
    system: str,
    decision: ConsentDecision,
    purposes: Sequence[str] = (),
    reason: str | None = None,
) -> ConsentChange:
    """Land a person's decision as of now; a withdrawal that names no purpose is one of every purpose.

    Said again while it holds, it changes nothing. A permit does not overcome a denial that names no
    beginning, nor a withdrawal a permit that begins later: `holds` says what is so now.

    Raises:
        NotAllowed: the actor is no data protection officer; said before anything is looked up.
        WrongUse: no such id system, or a permit that names no purpose.
        Refused: nothing is held on the person, no such purpose, or the contract takes no such record.
    """
    site.actor.require("consent")
    named = _purposes(site, decision, purposes)
    known = known_pseudonyms(site, person, system)
    reached = named or tuple(site.policy.purposes)
    repeated = _says_so_already(site, known[0], decision, named)
    if not repeated:
        require_current_home(site)
        contract = site.contracts.bronze("consents")
        found = _read_record(contract, _record(site, person, system, decision, named))
        land_found(site, contract, [found], {"decision": decision, "reason": reason, "door": "consent"})
    version = current_version(site, CONSENTS)
    if version is None:
        raise Damaged("a landed consent record has no signed version", remedy="livinglab fsck")
    uses = current_uses(site, known, reached)
    return ConsentChange(
        decision=decision,
        purposes=named,
        version=version.version,
        leaf=version.leaf,
        repeated=repeated,
        holds=permissions_of(site, known[0]),
        releases=_count(uses, "release"),
        answers=count_answers(site, known, reached),
        models=_count(uses, "model"),
        redo=tuple(use for use in uses if use.counts_person == (decision == "deny")),
    )


def show_consents(site: Site, person: str, system: str) -> dict[str, object]:
    """Return one person's records, oldest first, and what holds now (role dpo).

    Raises as `change_consent` does.
    """
    site.actor.require("consent")
    known = known_pseudonyms(site, person, system)
    records = sorted(_records(site, known[0]), key=lambda record: record.valid_from or EARLIEST)
    return {
        "records": [
            {
                "decision": record.decision,
                "purposes": sorted(record.purposes),
                "from": record.valid_from and timestamp(record.valid_from),
                "to": record.valid_to and timestamp(record.valid_to),
            }
            for record in records
        ],
        "holds": permissions_of(site, known[0]),
    }


def permissions_of(site: Site, pseudonym: str) -> dict[str, str]:
    """Return what each purpose of the policy may do with one person's data now."""
    return {
        purpose: "permit" if consent_coverage(site, [pseudonym], purpose).permitted else "deny"
        for purpose in site.policy.purposes
    }


def _purposes(site: Site, decision: ConsentDecision, purposes: Sequence[str]) -> tuple[str, ...]:
    if decision == "permit" and not purposes:
        raise WrongUse("a permit names its purposes", remedy=f"--purpose: {', '.join(site.policy.purposes)}")
    return tuple(sorted({site.policy.purpose(name).name for name in purposes}))


def _records(site: Site, pseudonym: str) -> list[Consent]:
    return consents_by_person(site, current_version(site, CONSENTS)).get(pseudonym, [])


def _says_so_already(
    site: Site, pseudonym: str, decision: ConsentDecision, purposes: Collection[str]
) -> bool:
    """Whether a record without an end says the same now, of at least these purposes, and prevails."""
    records, now = _records(site, pseudonym), log_now(site)
    if not all(covers(records, name, now) == decision for name in purposes or site.policy.purposes):
        return False
    return any(
        record.decision == decision
        and record.valid_to is None
        and (record.valid_from is None or record.valid_from <= now)
        and (not record.purposes if not purposes else not record.purposes or record.purposes >= set(purposes))
        for record in records
    )


def _record(
    site: Site, person: str, system: str, decision: ConsentDecision, purposes: Sequence[str]
) -> dict[str, object]:
    """Return the record as consent files write it (INTERFACE, Input formats read)."""
    return {
        "person_id": person,
        "id_system": system,
        "decision": decision,
        "purposes": list(purposes),
        "from": timestamp(log_now(site)),
        "to": None,
    }


def _read_record(contract: DatasetContract, record: Mapping[str, object]) -> FileRows:
    """Return the record as the contract's reader takes it, without a file: it never lies in the clear."""
    line = json.dumps(record).encode() + b"\n"
    read = find_reader(contract.format or "", file=contract.file)
    found = read(InputFile(number=1, name="consent", load=lambda: line), contract)
    if len(found.rows) != 1 or found.rejected:
        reasons = ", ".join(sorted({row.reason for row in found.rejected})) or "not one row"
        raise Refused(
            f"{contract.file} takes no such record: {reasons}",
            remedy=f"mend {contract.file}, or land the decision as a file of {contract.name}",
        )
    return found


def _count(uses: Sequence[Use], kind: str) -> int:
    return sum(use.kind == kind and use.counts_person for use in uses)
