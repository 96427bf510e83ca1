"""A witness of logs (https://c2sp.org/tlog-witness): cosigns a head only if it continues the last one.

Knows nothing of HTTP. What a log signed and cannot be part of one log is kept as evidence.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.witness_keys import WitnessKeys
from lakehouse.adapters.witness_state import Turn, WitnessState
from lakehouse.core.checkpoint import (
    Checkpoint,
    SignedNote,
    VerifierKey,
    keep_known,
    parse_checkpoint,
    verify_note,
)
from lakehouse.core.merkle import EMPTY_ROOT, verify_consistency
from lakehouse.core.misbehaviour import Misbehaviour, accuse, check_misbehaviour
from lakehouse.core.trust import Trust
from lakehouse.core.witness_protocol import (
    SIZE_TYPE,
    AddCheckpoint,
    continued_root,
    parse_add_checkpoint,
)
from lakehouse.errors import NotVerified

EVIDENCE = "misbehaviour"
EVIDENCE_KEPT = 100
LONGEST_HEAD = 4096
"""Characters of a checkpoint, extension lines included: thousands of heads are kept for each log."""

PLAIN_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnswer:
    """An HTTP status with its body."""

    status: int
    body: str
    content_type: str = PLAIN_TYPE


class Witness:
    """One witness. `say` is told what it did, in sentences without secrets; `clock` gives POSIX seconds."""

    def __init__(
        self,
        keys: WitnessKeys,
        state: WitnessState,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self.state = state
        self._say = say
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Answer one request; a head that is cosigned is on disk before this returns."""
        # (1) the request has its form
        try:
            request = parse_add_checkpoint(body)
            head = parse_checkpoint(request.note.text)
        except NotVerified as error:
            return _refuse(400, error.message)
        if len(request.note.text) > LONGEST_HEAD:
            return _refuse(400, f"a checkpoint of more than {LONGEST_HEAD} characters is not kept here")
        # (2) the log is one of ours, (3) and signed this head
        with self.state.reading() as turn:
            known = turn.log_keys(head.origin)
        if not known:
            return _refuse(404, "this witness does not watch that log")
        signed_by = _signer_of(request.note, known)
        if signed_by is None:
            return _refuse(403, "no signature of that log's key")
        request = replace(request, note=keep_known(request.note, [signed_by]))
        # (4) a log does not shrink
        if request.old > head.size:
            return _refuse(400, "the old size is larger than the checkpoint's")
        # (5) what follows is decided and stored in one transaction
        with self.state.deciding() as turn:
            answer = self._decide(turn, request, head)
            if answer.status != 200:
                turn.keep_shown(head, request.note)
            accusations = _contradictions(turn, request, head, signed_by)
        for accusation in accusations:
            self._keep_evidence(accusation, signed_by)
        self._say(f"{head.origin}: {head.size} leaves: {_OUTCOMES[answer.status]}")
        return answer

    def head_of(self, origin: str, size: int | None = None) -> WitnessAnswer:
        """Return the largest head cosigned for a log, with its cosignatures; or that of `size` leaves."""
        with self.state.reading() as turn:
            stored = turn.head(origin, size)
        return (
            _refuse(404, "no such head")
            if stored is None
            else WitnessAnswer(status=200, body=stored.cosigned)
        )

    def evidence_against(self, origin: str) -> WitnessAnswer:
        """Return the first evidence that a log misbehaved."""
        for path in self._evidence_files(origin):
            return WitnessAnswer(status=200, body=path.read_text("utf-8"), content_type="application/json")
        return _refuse(404, "no misbehaviour of that log was seen here")

    def _decide(self, turn: Turn, request: AddCheckpoint, head: Checkpoint) -> WitnessAnswer:
        stored = turn.head(head.origin)
        size, root = (stored.size, stored.root) if stored else (0, EMPTY_ROOT)
        if request.old != size or (head.size == size and head.root != root):
            return WitnessAnswer(status=409, body=f"{size}\n", content_type=SIZE_TYPE)
        try:
            _check_continues(request, root, head)
        except NotVerified as error:
            return _refuse(422, error.message)
        # A clock that was set back must not make an earlier head look newer.
        seconds = max(int(self._clock()), turn.last_second())
        lines = self.keys.cosign(request.note.text, seconds)
        cosigned = replace(request.note, signatures=(*request.note.signatures, *lines))
        turn.keep(head, request.note, cosigned, seconds)
        return WitnessAnswer(status=200, body="".join(line.render() + "\n" for line in lines))

    def _keep_evidence(self, accusation: Misbehaviour, log: VerifierKey) -> None:
        content = accusation.render()
        path = self._evidence_folder(log.name) / f"{hashlib.sha256(content).hexdigest()[:16]}.json"
        if path.exists() or not check_misbehaviour(content, Trust(log=log), verify_signature).verified:
            return
        if len(self._evidence_files(log.name)) < EVIDENCE_KEPT:
            make_private_folder(path.parent)
            write_durably(path, content)
        sizes = [parse_checkpoint(note.text).size for note in (accusation.first, accusation.second)]
        self._say(
            f"{log.name}: MISBEHAVIOUR: heads of {sizes[0]} and {sizes[1]} leaves contradict each other: "
            f"{EVIDENCE}/{path.parent.name}/{path.name}"
        )

    def _evidence_folder(self, origin: str) -> Path:
        return self.state.folder / EVIDENCE / hashlib.sha256(origin.encode()).hexdigest()[:16]

    def _evidence_files(self, origin: str) -> list[Path]:
        return sorted(self._evidence_folder(origin).glob("*.json"))


_OUTCOMES = {
    200: "cosigned",
    409: "refused, it does not begin at the head that was cosigned last",
    422: "refused, it does not continue the head that was cosigned last",
}


def _refuse(status: int, why: str) -> WitnessAnswer:
    return WitnessAnswer(status=status, body=f"{why}\n")


def _signer_of(note: SignedNote, known: list[VerifierKey]) -> VerifierKey | None:
    """Return the key of the log that signed the note; signatures of unknown keys are not looked at."""
    for key in known:
        try:
            verify_note(note, key, verify_signature)
        except NotVerified:
            continue
        return key
    return None


def _check_continues(request: AddCheckpoint, root: bytes, head: Checkpoint) -> None:
    """Raise NotVerified unless the head continues the tree of `request.old` leaves with `root`."""
    if request.old > 0:
        verify_consistency(request.old, head.size, request.path, root, head.root)
    elif request.path or (head.size == 0 and head.root != EMPTY_ROOT):
        raise NotVerified("a path from the empty log is empty, and its root is that of no leaf")


def _contradictions(
    turn: Turn, request: AddCheckpoint, head: Checkpoint, log: VerifierKey
) -> list[Misbehaviour]:
    """Return what a head contradicts of all that this log ever showed: a fork, or a rewritten beginning."""
    forks = [accuse(log, other, request.note) for other in turn.others(head.origin, head.size, head.root)]
    root = _claimed_root(request, head)
    if root is None:
        return forks
    others = turn.others(head.origin, request.old, root)
    return forks + [accuse(log, other, request.note, root=root, path=request.path) for other in others]


def _claimed_root(request: AddCheckpoint, head: Checkpoint) -> bytes | None:
    """Return the root that a whole path claims for its old size; None where the path proves nothing."""
    root = continued_root(request.old, head.size, request.path)
    if root is None:
        return None
    try:
        verify_consistency(request.old, head.size, request.path, root, head.root)
    except NotVerified:
        return None
    return root
