"""Evidence that a log signed two heads that cannot belong to one log (docs/proofs.md has its schema).

Whoever holds the two notes can show it to anyone who has the log's key; no witness has to be believed.
A fork: two heads of one size and two roots. Rewritten: the larger head continues another tree of the
smaller head's size, which its consistency path (RFC 9162, 2.1.4) proves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.core.checkpoint import (
    Checkpoint,
    SignedNote,
    VerifierKey,
    VerifySignature,
    keep_known,
    parse_checkpoint,
    parse_note,
    unknown_lines,
    verify_note,
)
from lakehouse.core.document_fields import (
    hash_path,
    hex_digest,
    parse_document,
    path_fields,
    render_document,
    text,
)
from lakehouse.core.merkle import verify_consistency
from lakehouse.core.trust import Trust
from lakehouse.core.verdict import Verdict, take_steps, unreadable
from lakehouse.errors import NotVerified

MISBEHAVIOUR_SCHEMA = "livinglab/misbehaviour/v1"
SCHEMA, SIGNATURES, CONTRADICTION = "schema", "signatures", "contradiction"
STEPS = (SCHEMA, SIGNATURES, CONTRADICTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """Two heads that one log key signed, each note with that key's line alone.

    For a rewritten log, `root` is the root of the tree of the first head's size that the second head
    continues, and `path` the proof of it; for a fork, null and empty.
    """

    first: SignedNote
    second: SignedNote
    root: bytes | None = None
    path: tuple[bytes, ...] = ()

    def render(self) -> bytes:
        """Return the bytes of the evidence."""
        fields: dict[str, Any] = {
            "schema": MISBEHAVIOUR_SCHEMA,
            "first": self.first.render(),
            "second": self.second.render(),
            "root": None if self.root is None else self.root.hex(),
            "path": path_fields(self.path),
        }
        return render_document(fields)


def accuse(
    log: VerifierKey,
    first: SignedNote,
    second: SignedNote,
    *,
    root: bytes | None = None,
    path: Sequence[bytes] = (),
) -> Misbehaviour:
    """Return the evidence of two notes from the network: the smaller head first, lines of others left out."""
    notes = [keep_known(note, [log]) for note in (first, second)]
    smaller, larger = sorted(notes, key=lambda note: parse_checkpoint(note.text).size)
    return Misbehaviour(first=smaller, second=larger, root=root, path=tuple(path))


def parse_misbehaviour(data: bytes) -> Misbehaviour:
    """Return the evidence of a file; bytes that `render` would not write are `NotVerified`."""
    fields = parse_document(data, MISBEHAVIOUR_SCHEMA, {"schema", "first", "second", "root", "path"})
    evidence = Misbehaviour(
        first=parse_note(text(fields["first"], "the first head")),
        second=parse_note(text(fields["second"], "the second head")),
        root=None if fields["root"] is None else hex_digest(fields["root"], "the root"),
        path=hash_path(fields["path"], "the path"),
    )
    if evidence.render() != data:
        raise NotVerified("evidence of misbehaviour is not in canonical form")
    return evidence


def check_misbehaviour(data: bytes, trust: Trust, verify: VerifySignature) -> Verdict:
    """Return the verdict on evidence: verified when this log's key signed both and they contradict."""
    try:
        # (1) schema: the one canonical form, and two checkpoints in it
        evidence = parse_misbehaviour(data)
        heads = [parse_checkpoint(note.text) for note in (evidence.first, evidence.second)]
    except NotVerified as error:
        return Verdict(checks=unreadable(STEPS, error.message), misbehaviour=True)
    steps = {
        SCHEMA: lambda: "the evidence has exactly the fields of its schema",
        SIGNATURES: lambda: _check_signatures(evidence, heads, trust, verify),
        CONTRADICTION: lambda: _check_contradiction(evidence, *heads),
    }
    return Verdict(checks=take_steps(steps), misbehaviour=True)


def _check_signatures(
    evidence: Misbehaviour, heads: list[Checkpoint], trust: Trust, verify: VerifySignature
) -> str:
    """(2) Both heads are this log's, signed by the key of the trust file and by nobody else."""
    if any(head.origin != trust.origin for head in heads):
        raise NotVerified("a head is that of another log than the trust file's")
    for note in (evidence.first, evidence.second):
        if unknown_lines(note, [trust.log]) or len(note.signatures) > 1:
            raise NotVerified("a head carries other signatures than one of the log")
        verify_note(note, trust.log, verify)
    return f"both heads are signed by the key of {trust.origin}"


def _check_contradiction(evidence: Misbehaviour, first: Checkpoint, second: Checkpoint) -> str:
    """(3) No log that only grows has both heads."""
    if first.size == second.size:
        if evidence.root is not None or evidence.path:
            raise NotVerified("two heads of one size need no root and no path")
        if first.root == second.root:
            raise NotVerified("the two heads are the same")
        return f"forked: two roots for {first.size} leaves; no log has both"
    if first.size > second.size or evidence.root is None:
        raise NotVerified("the first head must be the smaller one, with the root that the second continues")
    if evidence.root == first.root:
        raise NotVerified("the second head continues the first: there is no contradiction")
    verify_consistency(first.size, second.size, evidence.path, evidence.root, second.root)
    return f"rewritten: the head of {second.size} leaves continues other first {first.size} leaves"
