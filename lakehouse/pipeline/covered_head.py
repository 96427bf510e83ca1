"""The head that a proof leads to: the newest one that has what the trust policy demands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.bundle import TimeStamp
from lakehouse.core.checkpoint import (
    COSIGNATURE_V1,
    Checkpoint,
    SignedNote,
    VerifierKey,
    parse_checkpoint,
    parse_note,
)
from lakehouse.core.trust import Trust, quantum_names, witness_names
from lakehouse.errors import NotReady
from lakehouse.pipeline.anchoring import genuine_stamps
from lakehouse.pipeline.cosign import genuine_cosignatures


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredHead:
    """A signed checkpoint with the cosignatures that a bundle carries, and its time stamps."""

    note: SignedNote
    head: Checkpoint
    time_stamps: tuple[TimeStamp, ...]


def covered_head(tx: Transaction, heads: Sequence[Row], trust: Trust, leaf: int) -> CoveredHead:
    """Return the newest head over `leaf` that has what `trust` demands; NotReady where none has it yet.

    `heads` are rows of `checkpoints` by size. All Ed25519 cosignatures go along, and as many of ML-DSA-44
    as are demanded: one of those takes more room than all the rest of a proof.
    """
    over = [row for row in reversed(heads) if row["size"] > leaf]
    for row in over:
        covered = _with_signers(tx, row, trust)
        if covered is not None:
            return covered
    raise NotReady(
        f"leaf {leaf} stands in none of {len(over)} heads with {trust.cosignatures} cosignatures "
        f"({trust.post_quantum} of ML-DSA-44) and {trust.time_stamps} time stamps, as the site demands",
        remedy="livinglab log cosign" + ("; livinglab log anchor rfc3161" if trust.time_stamps else ""),
        leaf=leaf,
    )


def _with_signers(tx: Transaction, row: Row, trust: Trust) -> CoveredHead | None:
    note = parse_note(str(row["note"]))
    lines = tx.many("cosignatures", size=row["size"], order="witness") if trust.witnesses else []
    kept = genuine_cosignatures(note, lines, trust.witnesses)
    chosen = _chosen_keys(tuple(kept), trust)
    stamps = tx.many("time_stamps", size=row["size"], order="authority") if trust.authorities else []
    stamped = genuine_stamps(stamps, trust, note.text)
    if chosen is None or len(stamped) < trust.time_stamps:
        return None
    signed = replace(note, signatures=(*note.signatures, *(kept[key] for key in chosen)))
    return CoveredHead(note=signed, head=parse_checkpoint(note.text), time_stamps=stamped)


def _chosen_keys(kept: Sequence[VerifierKey], trust: Trust) -> tuple[VerifierKey, ...] | None:
    """Return whose cosignatures a bundle carries, or None where too few witnesses gave one."""
    chosen = tuple(key for key in kept if key.algorithm == COSIGNATURE_V1)
    for key in kept:
        if key.algorithm != COSIGNATURE_V1 and _is_short(chosen, trust, key):
            chosen = (*chosen, key)
    enough = len(witness_names(chosen)) >= trust.cosignatures
    return chosen if enough and len(quantum_names(chosen)) >= trust.post_quantum else None


def _is_short(chosen: tuple[VerifierKey, ...], trust: Trust, key: VerifierKey) -> bool:
    """Say whether an ML-DSA-44 cosignature of `key` brings the policy nearer."""
    names = witness_names(chosen)
    more = len(names) < trust.cosignatures and key.name not in names
    return more or len(quantum_names(chosen)) < trust.post_quantum
