"""What an anchor is given, a signed head of the log, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse.core.checkpoint import Checkpoint, NoteSignature, SignedNote, VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head as the log signed it; `consistency(old)` gives the path from the head of `old` leaves to it."""

    log: VerifierKey
    note: SignedNote
    head: Checkpoint
    consistency: Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """What one place gave for a head: a time stamp token (DER), cosignature lines, or only that it was kept.

    time: when the place saw it (RFC 3339, UTC), where it says so; repeated: it had this head already.
    """

    place: str
    time: str | None = None
    token: bytes | None = None
    lines: tuple[NoteSignature, ...] = ()
    repeated: bool = False
