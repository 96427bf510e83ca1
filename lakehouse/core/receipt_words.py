"""A proof bundle in plain words, for the paper that carries it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.core.bundle import ProofBundle, TimeStamp
from lakehouse.core.checkpoint import parse_checkpoint
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.time_stamp import parse_time_stamp

_DID: Mapping[str, str] = {
    "create": "a table was created",
    "write": "rows were written to a table",
    "delete": "rows were deleted from a table",
    "optimise": "a table's files were rewritten without changing its rows",
    "vacuum_start": "old files of a table were about to be removed",
    "vacuum_end": "old files of a table were removed",
    "draft": "a draft of a release was written",
    "answer": "a question was answered with noise",
    "decision": "a person decided about a release",
    "model": "a model was trained",
    "release": "a release was published or withdrawn",
    "erasure": "a person's data was erased",
    "consent": "consents were taken in",
    "trust": "the list of whom the log trusts was changed",
}
_STATED: Mapping[str, str] = {
    "privacy": "which privacy it had",
    "consents": "which consents and permits covered it",
    "erasure": "what an erasure removed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptWords:
    """A title, one sentence, and names with values; nothing of it is proved until the codes are checked."""

    title: str
    sentence: str
    facts: Mapping[str, str]


def describe_bundle(bundle: ProofBundle) -> ReceiptWords:
    """Return what a bundle says: kind, table, version, time, leaf, origin, and what stands behind it.

    Raises NotVerified where a time stamp cannot be read.
    """
    record, note = bundle.record, bundle.proof.checkpoint
    head = parse_checkpoint(note.text)
    did = _DID.get(record.kind, record.kind)
    subject = record.table if record.version is None else f"{record.table}, version {record.version}"
    cosigners = {line.name for line in note.signatures if line.name != head.origin}
    facts = {
        "What": f"{record.kind}: {did}",
        "Table": subject,
        "When": record.time,
        "Log": head.origin,
        "Leaf": f"number {bundle.proof.index} (the first is 0) of {head.size} in the log",
        "Leaf hash": leaf_hash(record.public_bytes()).hex(),
        "Also states": "; ".join(_STATED.get(name, name) for name in sorted(bundle.statements)) or None,
        "Cosigned by": ", ".join(sorted(cosigners)) or "nobody",
        "Time-stamped by": "; ".join(_told_stamp(stamp) for stamp in bundle.time_stamps) or "nobody",
    }
    return ReceiptWords(
        title=f"Proof: {subject or record.kind}",
        sentence=_printed(
            f"The log {head.origin} says that on {record.time[:10]} at {record.time[11:16]} UTC {did}."
        ),
        facts={name: _printed(value) for name, value in facts.items() if value is not None},
    )


def _told_stamp(stamp: TimeStamp) -> str:
    return f"{stamp.authority}, on {parse_time_stamp(stamp.token).time}"


def _printed(text: str) -> str:
    """Return the text without what cannot be seen: names in a bundle are not believed yet."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
