"""Ed25519 (RFC 8032) and ML-DSA-44 (FIPS 204) through `cryptography`, in the shapes that C2SP notes need.

Ed25519 signatures are deterministic. Those of ML-DSA-44 are hedged: each call gives other bytes, all genuine.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    COSIGNATURE_V1,
    ED25519,
    NoteSignature,
    SignedNote,
    VerifierKey,
)
from lakehouse.core.cosignature import cosignature_line, cosigned_message
from lakehouse.errors import WrongUse


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
    """Cosigns checkpoints with one key, made from a seed of 32 bytes.

    `algorithm` is COSIGNATURE_V1 (Ed25519) or COSIGNATURE_ML_DSA_44. Never one seed for both.
    """

    def __init__(self, name: str, seed: bytes, algorithm: int = COSIGNATURE_V1) -> None:
        self._private = _private_key(seed, algorithm)
        public = self._private.public_key().public_bytes_raw()
        self.key = VerifierKey(name=name, algorithm=algorithm, public=public)

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Return the cosignature line for a checkpoint's text at a POSIX time."""
        return cosignature_line(
            self.key, seconds, self._private.sign(cosigned_message(self.key, text, seconds))
        )


def verify_signature(key: VerifierKey, signature: bytes, message: bytes) -> bool:
    """Say whether `key` made `signature` over `message`; a key or signature of another size did not."""
    try:
        if key.algorithm == COSIGNATURE_ML_DSA_44:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        else:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private_key(seed: bytes, algorithm: int) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    if algorithm == COSIGNATURE_ML_DSA_44:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    if algorithm == COSIGNATURE_V1:
        return Ed25519PrivateKey.from_private_bytes(seed)
    raise WrongUse(
        f"no witness signs with type {algorithm}, but with {COSIGNATURE_V1} or {COSIGNATURE_ML_DSA_44}"
    )
