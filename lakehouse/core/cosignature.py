"""What a witness signs, and how its signature line is checked: https://c2sp.org/tlog-cosignature.

Both types state: as of this time, this is the largest tree of this log that I have seen, and it continues
every earlier one. ML-DSA-44 (FIPS 204) withstands quantum computers and commits to the witness's name.
"""

from collections.abc import Iterable

from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    COSIGNATURE_V1,
    NoteSignature,
    SignedNote,
    VerifierKey,
    VerifySignature,
    parse_checkpoint,
)
from lakehouse.errors import NotVerified

TIME_BYTES = 8
LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z: a cosignature after it, or at 0, tells no time."""
_SUBTREE_LABEL = b"subtree/v1\n\0"
_LONGEST_NAME = 255


def cosigned_message(key: VerifierKey, text: str, seconds: int) -> bytes:
    """Return what the witness of `key` signs for the checkpoint `text` at a POSIX time."""
    if key.algorithm == COSIGNATURE_V1:
        return f"cosignature/v1\ntime {seconds}\n{text}".encode()
    if key.algorithm == COSIGNATURE_ML_DSA_44:
        return _subtree_message(key.name, text, seconds)
    raise NotVerified(f"a key of type {key.algorithm} makes no cosignatures")


def cosignature_line(key: VerifierKey, seconds: int, signature: bytes) -> NoteSignature:
    """Return the signature line of a cosignature: the payload is time (8 bytes), then the signature."""
    stamped = seconds.to_bytes(TIME_BYTES, "big") + signature
    return NoteSignature(name=key.name, key_id=key.key_id, signature=stamped)


def verify_cosignature(note: SignedNote, witness: VerifierKey, verify: VerifySignature) -> int:
    """Return the time (POSIX seconds) at which `witness` cosigned the checkpoint, or raise `NotVerified`.

    The note must hold exactly one line of this key. Lines of others are not looked at.
    """
    lines = [line for line in note.signatures if line.is_of(witness)]
    if len(lines) != 1:
        raise NotVerified(f"{len(lines)} cosignatures of {witness.name} ({witness.key_id.hex()})")
    payload = lines[0].signature
    seconds = int.from_bytes(payload[:TIME_BYTES], "big")
    if len(payload) <= TIME_BYTES or not 0 < seconds <= LAST_SECOND:
        raise NotVerified(f"the cosignature of {witness.name} tells no time")
    if not verify(witness, payload[TIME_BYTES:], cosigned_message(witness, note.text, seconds)):
        raise NotVerified(f"the cosignature of {witness.name} is not genuine")
    return seconds


def keys_in(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those of `keys` in whose name the note has a line. Nothing is verified."""
    return tuple(key for key in keys if any(line.is_of(key) for line in note.signatures))


def _subtree_message(name: str, text: str, seconds: int) -> bytes:
    """Return the `cosigned_message` struct of a whole tree: start 0, end its size."""
    head = parse_checkpoint(text)
    return b"".join(
        (
            _SUBTREE_LABEL,
            _short_text(name),
            seconds.to_bytes(TIME_BYTES, "big"),
            _short_text(head.origin),
            (0).to_bytes(8, "big"),
            head.size.to_bytes(8, "big"),
            head.root,
        )
    )


def _short_text(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) <= _LONGEST_NAME:
        raise NotVerified(f"a name of {len(data)} bytes does not fit into a cosignature")
    return bytes([len(data)]) + data
