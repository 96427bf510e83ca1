"""A small log of records, and bundles out of it: examples that several tests share."""

from collections.abc import Sequence
from dataclasses import replace

from lakehouse.adapters.signatures import Signer, WitnessSigner, verify_signature
from lakehouse.core.bundle import ContentLeaf, EarlierHead, OpenedDetails, ProofBundle
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, Checkpoint, SignedNote
from lakehouse.core.digests import commit_details
from lakehouse.core.lineage import LineageRecord
from lakehouse.core.merkle import consistency_path, inclusion_path, leaf_hash, root_of
from lakehouse.core.proof import InclusionProof
from lakehouse.core.trust import Trust
from lakehouse.core.verification import verify_bundle

ORIGIN = "livinglab.local/sample"
SIGNER = Signer(ORIGIN, b"\x01" * 32)
WITNESS = WitnessSigner("witness.example/w1", b"\x02" * 32)
QUANTUM = WitnessSigner("witness.example/w1", b"\x05" * 32, COSIGNATURE_ML_DSA_44)
SECOND = WitnessSigner("witness.example/w2", b"\x06" * 32)
COSIGNED_AT = 1_800_000_000
TRUST = Trust(log=SIGNER.key)
WITNESSED_TRUST = Trust(log=SIGNER.key, witnesses=(WITNESS.key,), cosignatures=1)
QUORUM_TRUST = Trust(
    log=SIGNER.key, witnesses=(WITNESS.key, QUANTUM.key, SECOND.key), cosignatures=2, post_quantum=1
)
SALT = b"\x03" * 32
DETAILS = {"rows": 12}
STATEMENT = OpenedDetails(value={"schema": "livinglab/privacy/v1", "k": 10}, salt=b"\x04" * 32)
CERTIFICATE = OpenedDetails(value={"schema": "livinglab/erasure/v1", "tables": 3}, salt=b"\x07" * 32)
CONTENT = [leaf_hash(f"person {number}".encode()) for number in range(5)]
"""Leaves of a content tree: in life HMACs, sorted by value."""


def sample_record(number: int) -> LineageRecord:
    """Return record `number`: an answer, a gold version, or a bronze version, in turn."""
    is_answer = number % 3 == 0
    layer = "bronze" if number % 3 == 2 else "gold"
    named = (
        {"question": "1" * 64, "answer": "2" * 64} if is_answer else {"content": "a" * 64, "file": "b" * 64}
    )
    return LineageRecord(
        kind="answer" if is_answer else "write",
        table="silver.gait_features" if is_answer else f"{layer}.gait_by_cohort",
        version=None if is_answer else number,
        intent=None if is_answer else f"{number:032x}",
        digests=named,
        inputs=(number - 1,) if number else (),
        policy_digest="c" * 64,
        code_version="0.1.0",
        vault_counter=number,
        time="2026-11-22T10:00:00Z",
        details_commitment=commit_details(DETAILS, SALT),
    )


def stated_record() -> LineageRecord:
    """Return a gold version that commits to `STATEMENT` and to the tree over `CONTENT`."""
    content = root_of([leaf_hash(leaf) for leaf in CONTENT]).hex()
    privacy = commit_details(STATEMENT.value, STATEMENT.salt)
    return replace(sample_record(4), digests={"file": "b" * 64, "content": content, "privacy": privacy})


def erasure_record() -> LineageRecord:
    """Return an erasure that commits to `CERTIFICATE`."""
    certificate = commit_details(CERTIFICATE.value, CERTIFICATE.salt)
    return replace(sample_record(3), kind="erasure", table=None, digests={"erasure": certificate})


def content_leaf(index: int) -> ContentLeaf:
    """Return the proof of leaf `index` of `CONTENT`."""
    path = tuple(inclusion_path([leaf_hash(leaf) for leaf in CONTENT], index))
    return ContentLeaf(leaf=CONTENT[index], index=index, size=len(CONTENT), path=path)


def signed_head(
    records: list[LineageRecord], *, cosigned: bool = False, cosigners: Sequence[WitnessSigner] = ()
) -> SignedNote:
    """Return the signed checkpoint over `records`; `cosigned` is by `WITNESS`."""
    root = root_of([leaf_hash(record.public_bytes()) for record in records])
    note = SIGNER.sign_note(Checkpoint(origin=ORIGIN, size=len(records), root=root).render())
    signers = [WITNESS] * cosigned + list(cosigners)
    lines = [signer.cosign(note.text, COSIGNED_AT) for signer in signers]
    return replace(note, signatures=(*note.signatures, *lines))


def sample_bundle(
    index: int = 4,
    size: int = 7,
    *,
    record: LineageRecord | None = None,
    earlier: int | None = 5,
    opened: bool = False,
    cosigned: bool = False,
    cosigners: Sequence[WitnessSigner] = (),
    before: int | None = None,
) -> ProofBundle:
    """Return the bundle of leaf `index` in a log of `size` records; `record` takes its place."""
    records = [sample_record(number) for number in range(size)]
    if record is not None:
        records[index] = record
    hashes = [leaf_hash(entry.public_bytes()) for entry in records]

    def beginning(count: int | None) -> EarlierHead | None:
        if count is None:
            return None
        head = signed_head(records[:count], cosigned=cosigned)
        return EarlierHead(checkpoint=head, path=tuple(consistency_path(hashes, count)))

    return ProofBundle(
        record=records[index],
        proof=InclusionProof(
            index=index,
            path=tuple(inclusion_path(hashes, index)),
            checkpoint=signed_head(records, cosigned=cosigned, cosigners=cosigners),
        ),
        before=beginning(before),
        earlier=beginning(earlier),
        details=OpenedDetails(value=DETAILS, salt=SALT) if opened else None,
    )


def failed_steps(data: bytes, trust: Trust = TRUST) -> list[str]:
    """Return the names of the steps that fail for a bundle."""
    return [check.name for check in verify_bundle(data, trust, verify_signature).checks if not check.ok]
