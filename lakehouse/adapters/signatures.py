"""Ed25519 (RFC 8032) through `cryptography`, in the shapes that C2SP notes need."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lakehouse.core.checkpoint import (
    COSIGNATURE_V1,
    ED25519,
    NoteSignature,
    SignedNote,
    VerifierKey,
    cosigned_message,
)


class Signer:
    """Signs notes with one Ed25519 key; deterministic, so the same text gives the same bytes."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.key = VerifierKey(name=name, algorithm=ED25519, public=public)

    @property
    def vkey(self) -> str:
        """Return the public verifier key as text."""
        return self.key.render()

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(message)

    def sign_note(self, text: str) -> SignedNote:
        """Return `text` (which ends with a newline) with this key's signature line."""
        signature = self.sign(text.encode())
        line = NoteSignature(name=self.key.name, key_id=self.key.key_id, signature=signature)
        return SignedNote(text=text, signatures=(line,))


class WitnessSigner:
    """Cosigns checkpoints (https://c2sp.org/tlog-cosignature, Ed25519)."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.key = VerifierKey(name=name, algorithm=COSIGNATURE_V1, public=public)

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Return the cosignature line for a checkpoint's text at a POSIX time."""
        signature = self._private.sign(cosigned_message(text, seconds))
        stamped = seconds.to_bytes(8, "big") + signature
        return NoteSignature(name=self.key.name, key_id=self.key.key_id, signature=stamped)


def verify_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` over `message` was made with the key of `public` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
