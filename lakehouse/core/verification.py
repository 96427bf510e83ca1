"""Check a proof bundle against a trust file, step by step, with nothing else at hand.

Steps 1 to 11 are those of INTERFACE (`verify`); docs/proofs.md says what each means. Specifications:
https://www.rfc-editor.org/rfc/rfc9162#section-2.1, https://c2sp.org/tlog-checkpoint,
https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-proof, https://www.rfc-editor.org/rfc/rfc3161.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lakehouse.core.bundle import EarlierHead, OpenedDetails, ProofBundle, parse_bundle
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import (
    Checkpoint,
    SignedNote,
    VerifySignature,
    parse_checkpoint,
    unknown_lines,
    verify_note,
)
from lakehouse.core.cosignature import keys_in, verify_cosignature
from lakehouse.core.digests import commit_details
from lakehouse.core.lineage import LineageRecord
from lakehouse.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from lakehouse.core.trust import Authority, Trust, quantum_names, witness_names
from lakehouse.core.verdict import Verdict, take_steps, unreadable
from lakehouse.errors import NotVerified

SCHEMA, LEAF, STATEMENTS, INCLUSION = "schema", "leaf", "statements", "inclusion"
SIGNATURE, COSIGNATURES, TIME_STAMPS = "checkpoint signature", "cosignatures", "time stamps"
CONSISTENCY, CONTENT, DATA, POLICY = "consistency", "content", "data", "policy"
STEPS = (
    SCHEMA,
    LEAF,
    STATEMENTS,
    INCLUSION,
    SIGNATURE,
    COSIGNATURES,
    TIME_STAMPS,
    CONSISTENCY,
    CONTENT,
    DATA,
    POLICY,
)

CheckBundle: TypeAlias = Callable[[ProofBundle], str]
"""Says what was compared with things beside the bundle (data, rows), or raises `NotVerified`."""

CheckStamp: TypeAlias = Callable[[Authority, bytes, bytes], datetime]
"""(authority, token, SHA-256 of the stamped text) -> when it was stamped; raises `NotVerified`."""


def no_data(bundle: ProofBundle) -> str:  # noqa: ARG001 the shape of CheckBundle
    """Compare nothing: the caller gave no data."""
    return "no data was given: the log's statement alone was checked"


def no_rows(bundle: ProofBundle) -> str:
    """Compare nothing: the caller gave no rows of a person."""
    return "no rows of a person were given" if bundle.content else "no person's rows are proved"


def no_stamps(authority: Authority, token: bytes, digest: bytes) -> datetime:  # noqa: ARG001 the shape of CheckStamp
    """Refuse every time stamp: the caller has no way to check one."""
    raise NotVerified("not checked: no way to check time stamps was given")


def verify_bundle(
    data: bytes,
    trust: Trust,
    verify: VerifySignature,
    check_data: CheckBundle = no_data,
    check_stamp: CheckStamp = no_stamps,
    check_rows: CheckBundle = no_rows,
) -> Verdict:
    """Return the verdict on the bytes of a bundle. Never raises `NotVerified`: a failed step is a check."""
    try:
        # (1) schema: the one canonical form, and nothing besides
        bundle = parse_bundle(data)
        head = parse_checkpoint(bundle.proof.checkpoint.text)
    except NotVerified as error:
        return Verdict(checks=unreadable(STEPS, error.message))
    case = _Case(bundle=bundle, head=head, trust=trust, verify=verify, check_stamp=check_stamp)
    steps: dict[str, Callable[[], str]] = {
        SCHEMA: lambda: "bundle and record have exactly the fields of their schemas",
        LEAF: lambda: _check_leaf(bundle.record, bundle.details),
        STATEMENTS: lambda: _check_statements(bundle),
        INCLUSION: lambda: _check_inclusion(bundle, head),
        SIGNATURE: lambda: _check_signature(bundle.proof.checkpoint, head, case),
        COSIGNATURES: lambda: _check_signers(bundle.proof.checkpoint, case),
        TIME_STAMPS: lambda: _check_stamps(case),
        CONSISTENCY: lambda: _check_consistency(case),
        CONTENT: lambda: _check_content(bundle, check_rows),
        DATA: lambda: check_data(bundle),
        POLICY: lambda: _check_policy(case),
    }
    return Verdict(checks=take_steps(steps), record=bundle.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What the steps about signers look at."""

    bundle: ProofBundle
    head: Checkpoint
    trust: Trust
    verify: VerifySignature
    check_stamp: CheckStamp


def check_details(record: LineageRecord, details: OpenedDetails) -> None:
    """Raise `NotVerified` unless these are the details that the record commits to."""
    if commit_details(details.value, details.salt) != record.details_commitment:
        raise NotVerified("the details are not those that the record commits to")


def _check_leaf(record: LineageRecord, details: OpenedDetails | None) -> str:
    """(2) The record's canonical bytes are the leaf; opened details are those it commits to."""
    leaf = leaf_hash(record.public_bytes()).hex()
    if details is None:
        return f"the record hashes to leaf {leaf}"
    check_details(record, details)
    return f"the record hashes to leaf {leaf} and commits to the details given"


def _check_statements(bundle: ProofBundle) -> str:
    """(3) Each statement is the one that the record commits to; an erasure shows its certificate."""
    for name, opened in bundle.statements.items():
        if bundle.record.digests.get(name) != commit_details(opened.value, opened.salt):
            raise NotVerified("a statement is not one that the record commits to")
    if bundle.record.kind == "erasure" and "erasure" not in bundle.statements:
        raise NotVerified("a record of kind erasure is shown without its certificate")
    named = ", ".join(bundle.statements)
    return f"the record commits to: {named}" if named else "the bundle opens no statement"


def _check_inclusion(bundle: ProofBundle, head: Checkpoint) -> str:
    """(4) The leaf lies at its index in the tree of the checkpoint."""
    leaf = leaf_hash(bundle.record.public_bytes())
    verify_inclusion(leaf, bundle.proof.index, head.size, bundle.proof.path, head.root)
    return f"leaf {bundle.proof.index} lies in the log of {head.size} leaves"


def _check_signature(note: SignedNote, head: Checkpoint, case: _Case) -> str:
    """(5) The checkpoint is signed by the log key of the trust file, in that log's name."""
    if head.origin != case.trust.origin:
        raise NotVerified("the checkpoint is that of another log than the trust file's")
    verify_note(note, case.trust.log, case.verify)
    return f"signed by the key of {case.trust.origin}"


def _check_signers(note: SignedNote, case: _Case) -> str:
    """(6) Every other signature is that of a witness in the trust file, one each key, and genuine."""
    trust = case.trust
    strangers = unknown_lines(note, (trust.log, *trust.witnesses))
    if strangers:
        raise NotVerified(f"{strangers} signatures are of nobody in the trust file")
    if sum(line.is_of(trust.log) for line in note.signatures) > 1:
        raise NotVerified("the log's signature stands there more than once")
    cosigned = keys_in(note, trust.witnesses)
    for witness in cosigned:
        verify_cosignature(note, witness, case.verify)
    names, known = witness_names(cosigned), witness_names(trust.witnesses)
    quantum = len(quantum_names(cosigned))
    return f"{len(names)} of {len(known)} witnesses cosigned, {quantum} of them with ML-DSA-44"


def _check_stamps(case: _Case) -> str:
    """(7) Every time stamp is that of an authority in the trust file, over this checkpoint's text."""
    digest = hashlib.sha256(case.bundle.proof.checkpoint.text.encode()).digest()
    times = []
    for stamp in case.bundle.time_stamps:
        authority = case.trust.authority(stamp.authority)
        if authority is None:
            raise NotVerified("a time stamp is of no authority in the trust file")
        times.append(case.check_stamp(authority, stamp.token, digest))
    if not times:
        return "the bundle holds no time stamp"
    return f"{len(times)} time stamps, the first of {timestamp(min(times))}"


def _check_consistency(case: _Case) -> str:
    """(8) Earlier heads, signed before and once this leaf stood, are beginnings of this log."""
    bundle, said = case.bundle, []
    if bundle.before is not None:
        size = _check_beginning(bundle.before, case)
        if size > bundle.proof.index:
            raise NotVerified("the head before was signed when this leaf already stood")
        said.append(f"the log of {size} leaves, before this one")
    elif bundle.record.kind == "erasure":
        raise NotVerified("a record of kind erasure is shown without a head from before it")
    if bundle.earlier is not None:
        size = _check_beginning(bundle.earlier, case)
        if size <= bundle.proof.index:
            raise NotVerified("the earlier checkpoint was signed before this leaf stood")
        said.append(f"the log of {size} leaves, with this one")
    if not said:
        return "the bundle holds one checkpoint: there is no other to compare"
    return f"{' and '.join(said)}: a beginning of that of {case.head.size}"


def _check_beginning(earlier: EarlierHead, case: _Case) -> int:
    """Return the size of an earlier head that the log signed and that the log still begins with."""
    head = parse_checkpoint(earlier.checkpoint.text)
    _check_signature(earlier.checkpoint, head, case)
    _check_signers(earlier.checkpoint, case)
    verify_consistency(head.size, case.head.size, earlier.path, head.root, case.head.root)
    return head.size


def _check_content(bundle: ProofBundle, check_rows: CheckBundle) -> str:
    """(9) One person's leaf lies in the content tree of the version; their rows, if given, make it."""
    content = bundle.content
    if content is not None:
        root = bundle.record.digests.get("content")
        if root is None:
            raise NotVerified("the record has no content digest")
        leaf = leaf_hash(content.leaf)
        verify_inclusion(leaf, content.index, content.size, content.path, bytes.fromhex(root))
    return check_rows(bundle)


def _check_policy(case: _Case) -> str:
    """(11) As many witnesses and authorities as the trust file demands (genuine: steps 6 and 7)."""
    trust = case.trust
    cosigned = keys_in(case.bundle.proof.checkpoint, trust.witnesses)
    there = (
        ("cosignatures", len(witness_names(cosigned)), trust.cosignatures),
        ("post-quantum cosignatures", len(quantum_names(cosigned)), trust.post_quantum),
        ("time stamps", len(case.bundle.time_stamps), trust.time_stamps),
    )
    short = [f"{count} {what}, the trust file demands {need}" for what, count, need in there if count < need]
    if short:
        raise NotVerified("; ".join(short))
    demanded = ", ".join(f"{need} {what}" for what, _, need in there)
    policy = case.bundle.record.policy_digest[:16]
    return f"demanded: {demanded}; made under privacy policy {policy}"
