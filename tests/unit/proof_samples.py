"""A small log of records, and bundles out of it: examples that several tests share."""

from dataclasses import replace

from lakehouse.adapters.signatures import Signer, WitnessSigner
from lakehouse.core.bundle import EarlierHead, OpenedDetails, ProofBundle
from lakehouse.core.checkpoint import Checkpoint, SignedNote
from lakehouse.core.digests import commit_details
from lakehouse.core.lineage import LineageRecord
from lakehouse.core.merkle import consistency_path, inclusion_path, leaf_hash, root_of
from lakehouse.core.proof import InclusionProof
from lakehouse.core.trust import Trust

ORIGIN = "livinglab.local/sample"
SIGNER = Signer(ORIGIN, b"\x01" * 32)
WITNESS = WitnessSigner("witness.example/w1", b"\x02" * 32)
TRUST = Trust(log=SIGNER.key)
WITNESSED_TRUST = Trust(log=SIGNER.key, witnesses=(WITNESS.key,), cosignatures=1)
SALT = b"\x03" * 32
DETAILS = {"rows": 12}


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


def signed_head(records: list[LineageRecord], *, cosigned: bool = False) -> SignedNote:
    """Return the signed checkpoint over `records`."""
    root = root_of([leaf_hash(record.public_bytes()) for record in records])
    note = SIGNER.sign_note(Checkpoint(origin=ORIGIN, size=len(records), root=root).render())
    if not cosigned:
        return note
    return replace(note, signatures=(*note.signatures, WITNESS.cosign(note.text, 1_800_000_000)))


def sample_bundle(
    index: int = 4,
    size: int = 7,
    *,
    record: LineageRecord | None = None,
    earlier: int | None = 5,
    opened: bool = False,
    cosigned: bool = False,
) -> ProofBundle:
    """Return the bundle of leaf `index` in a log of `size` records; `record` takes its place."""
    records = [sample_record(number) for number in range(size)]
    if record is not None:
        records[index] = record
    hashes = [leaf_hash(entry.public_bytes()) for entry in records]
    before = None
    if earlier is not None:
        path = tuple(consistency_path(hashes, earlier))
        before = EarlierHead(checkpoint=signed_head(records[:earlier], cosigned=cosigned), path=path)
    return ProofBundle(
        record=records[index],
        proof=InclusionProof(
            index=index,
            path=tuple(inclusion_path(hashes, index)),
            checkpoint=signed_head(records, cosigned=cosigned),
        ),
        earlier=before,
        details=OpenedDetails(value=DETAILS, salt=SALT) if opened else None,
    )
