"""Check a proof bundle against a trust file, step by step, with nothing else at hand.

Steps 1 to 8 are those of INTERFACE (`verify`); docs/proofs.md says what each means. Specifications:
https://www.rfc-editor.org/rfc/rfc9162#section-2.1, https://c2sp.org/tlog-checkpoint,
https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-proof.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lakehouse.core.bundle import OpenedDetails, ProofBundle, parse_bundle
from lakehouse.core.checkpoint import (
    Checkpoint,
    SignedNote,
    VerifierKey,
    VerifySignature,
    parse_checkpoint,
    verify_cosignature,
    verify_note,
)
from lakehouse.core.digests import commit_details
from lakehouse.core.lineage import LineageRecord
from lakehouse.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from lakehouse.core.trust import Trust
from lakehouse.errors import NotVerified

SCHEMA, LEAF, INCLUSION, SIGNATURE = "schema", "leaf", "inclusion", "checkpoint signature"
COSIGNATURES, CONSISTENCY, DATA, POLICY = "cosignatures", "consistency", "data", "policy"
STEPS = (SCHEMA, LEAF, INCLUSION, SIGNATURE, COSIGNATURES, CONSISTENCY, DATA, POLICY)

CheckData: TypeAlias = Callable[[LineageRecord], str]
"""Says what of the data was compared, or raises `NotVerified`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step: its name, whether it holds, and why in one sentence."""

    name: str
    ok: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All steps; verified only when each holds. `record` is null where none could be read."""

    checks: tuple[Check, ...]
    record: LineageRecord | None

    @property
    def verified(self) -> bool:
        """Say whether every step holds."""
        return tuple(check.name for check in self.checks) == STEPS and all(check.ok for check in self.checks)


def no_data(record: LineageRecord) -> str:  # noqa: ARG001 the shape of CheckData
    """Compare nothing: the caller gave no data."""
    return "no data was given: the log's statement alone was checked"


def verify_bundle(
    data: bytes, trust: Trust, verify: VerifySignature, check_data: CheckData = no_data
) -> Verdict:
    """Return the verdict on the bytes of a bundle. Never raises `NotVerified`: a failed step is a check."""
    try:
        # (1) schema: the one canonical form, and nothing besides
        bundle = parse_bundle(data)
        head = parse_checkpoint(bundle.proof.checkpoint.text)
    except NotVerified as error:
        return _unreadable(error.message)
    record, note = bundle.record, bundle.proof.checkpoint
    steps: dict[str, Callable[[], str]] = {
        SCHEMA: lambda: "bundle and record have exactly the fields of their schemas",
        LEAF: lambda: _check_leaf(record, bundle.details),
        INCLUSION: lambda: _check_inclusion(bundle, head),
        SIGNATURE: lambda: _check_signature(note, head, trust, verify),
        COSIGNATURES: lambda: _check_signers(note, trust, verify),
        CONSISTENCY: lambda: _check_consistency(bundle, head, trust, verify),
        DATA: lambda: check_data(record),
        POLICY: lambda: _check_policy(note, trust, record),
    }
    return Verdict(checks=tuple(_take_step(name, steps[name]) for name in STEPS), record=record)


def _unreadable(problem: str) -> Verdict:
    others = [Check(name=name, ok=False, why="not checked: the bundle cannot be read") for name in STEPS[1:]]
    return Verdict(checks=(Check(name=SCHEMA, ok=False, why=problem), *others), record=None)


def _take_step(name: str, step: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, why=step())
    except NotVerified as error:
        return Check(name=name, ok=False, why=error.message)


def _check_leaf(record: LineageRecord, details: OpenedDetails | None) -> str:
    """(2) The record's canonical bytes are the leaf; opened details are those it commits to."""
    leaf = leaf_hash(record.public_bytes()).hex()
    if details is None:
        return f"the record hashes to leaf {leaf}"
    check_details(record, details)
    return f"the record hashes to leaf {leaf} and commits to the details given"


def check_details(record: LineageRecord, details: OpenedDetails) -> None:
    """Raise `NotVerified` unless these are the details that the record commits to."""
    if commit_details(details.value, details.salt) != record.details_commitment:
        raise NotVerified("the details are not those that the record commits to")


def _check_inclusion(bundle: ProofBundle, head: Checkpoint) -> str:
    """(3) The leaf lies at its index in the tree of the checkpoint."""
    leaf = leaf_hash(bundle.record.public_bytes())
    verify_inclusion(leaf, bundle.proof.index, head.size, bundle.proof.path, head.root)
    return f"leaf {bundle.proof.index} lies in the log of {head.size} leaves"


def _check_signature(note: SignedNote, head: Checkpoint, trust: Trust, verify: VerifySignature) -> str:
    """(4) The checkpoint is signed by the log key of the trust file, in that log's name."""
    if head.origin != trust.origin:
        raise NotVerified("the checkpoint is that of another log than the trust file's")
    verify_note(note, trust.log, verify)
    return f"signed by the key of {trust.origin}"


def _check_signers(note: SignedNote, trust: Trust, verify: VerifySignature) -> str:
    """(5) Every other signature is that of a witness in the trust file, one each, and genuine."""
    strangers = [
        line for line in note.signatures if not any(line.is_of(key) for key in (trust.log, *trust.witnesses))
    ]
    if strangers:
        raise NotVerified(f"{len(strangers)} signatures are of nobody in the trust file")
    if sum(line.is_of(trust.log) for line in note.signatures) > 1:
        raise NotVerified("the log's signature stands there more than once")
    cosigned = _cosigners(note, trust)
    for witness in cosigned:
        verify_cosignature(note, witness, verify)
    return f"{len(cosigned)} genuine cosignatures of {len(trust.witnesses)} witnesses"


def _check_consistency(bundle: ProofBundle, head: Checkpoint, trust: Trust, verify: VerifySignature) -> str:
    """(6) The log of an earlier checkpoint, signed once this leaf stood, is a beginning of this one."""
    if bundle.earlier is None:
        return "the bundle holds one checkpoint: there is no other to compare"
    earlier = parse_checkpoint(bundle.earlier.checkpoint.text)
    _check_signature(bundle.earlier.checkpoint, earlier, trust, verify)
    _check_signers(bundle.earlier.checkpoint, trust, verify)
    if earlier.size <= bundle.proof.index:
        raise NotVerified("the earlier checkpoint was signed before this leaf stood")
    verify_consistency(earlier.size, head.size, bundle.earlier.path, earlier.root, head.root)
    return f"the log of {earlier.size} leaves is a beginning of that of {head.size}"


def _check_policy(note: SignedNote, trust: Trust, record: LineageRecord) -> str:
    """(8) As many witnesses cosigned as the trust file demands (their signatures: step 5)."""
    count = len(_cosigners(note, trust))
    if count < trust.cosignatures:
        raise NotVerified(f"{count} cosignatures, the trust file demands {trust.cosignatures}")
    policy = record.policy_digest[:16]
    return f"{trust.cosignatures} cosignatures demanded; made under privacy policy {policy}"


def _cosigners(note: SignedNote, trust: Trust) -> list[VerifierKey]:
    return [witness for witness in trust.witnesses if any(line.is_of(witness) for line in note.signatures)]
