"""The key tree of a person and the one authenticated cipher (PROTOCOLS section 1).

From a subject's secret by HKDF-SHA256 (RFC 5869, empty salt) with info `livinglab/v1/<use>`:
`seal`, `date_shift`, `receipt`; `digest` comes from `receipt`, so that a person who is given their
receipt key recomputes their digests and opens nothing. Sealing is AES-256-GCM (NIST SP 800-38D).
A blob is `suite (1 byte) | nonce (12) | ciphertext and tag (16)`.
"""

import os
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lakehouse.errors import Damaged

KeyUse = Literal["seal", "date_shift", "receipt", "digest"]
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
SUITE = b"\x01"
REMEDY = "livinglab fsck says what is damaged; restore it from a backup of this home"
"""Suite 1: AES-256-GCM, random 96-bit nonce."""


class VaultKeys(Protocol):
    """The two keys that lie outside the home and without which a vault says nothing."""

    def wrapping_key(self) -> bytes:
        """Return the 32 bytes under which subject secrets are wrapped."""

    def index_key(self) -> bytes:
        """Return the 32 bytes under which identifiers are looked up."""


def expand_secret(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256: extract and expand `secret` to `length` bytes (at most 8160)."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def derive_key(secret: bytes, name: str) -> bytes:
    """Return the 32-byte key that `livinglab/v1/<name>` names under `secret`."""
    return expand_secret(secret, salt=b"", info=f"livinglab/v1/{name}".encode(), length=KEY_BYTES)


def derive_subject_key(secret: bytes, use: KeyUse) -> bytes:
    """Return a person's key for one use; `digest` hangs below `receipt`."""
    if use == "digest":
        return derive_key(derive_key(secret, "receipt"), "digest")
    return derive_key(secret, use)


def frame_parts(*parts: str) -> bytes:
    """Join texts so that no two lists of parts give the same bytes (each with its 4-byte length)."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def seal_bytes(cipher: AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Seal `plain` under suite 1 and a fresh nonce."""
    nonce = os.urandom(NONCE_BYTES)
    return SUITE + nonce + cipher.encrypt(nonce, plain, SUITE + associated)


def open_bytes(cipher: AESGCM, blob: bytes, associated: bytes) -> bytes:
    """Open what `seal_bytes` made; an unknown suite, a changed byte or another context is Damaged."""
    return decrypt_blob(cipher, blob, SUITE + associated)


def decrypt_blob(cipher: AESGCM, blob: bytes, associated: bytes) -> bytes:
    """Open a blob of suite 1 whose associated data is exactly `associated`; Damaged if it does not open."""
    if len(blob) < len(SUITE) + NONCE_BYTES + TAG_BYTES:
        raise Damaged(f"a sealed value has {len(blob)} bytes, the least is 29", remedy=REMEDY)
    if blob[:1] != SUITE:
        raise Damaged(f"a sealed value names suite {blob[0]}, known is 1", remedy=REMEDY)
    try:
        return cipher.decrypt(blob[1:13], blob[13:], associated)
    except InvalidTag:
        raise Damaged(
            "a sealed value does not open: other key, other place, or changed bytes", remedy=REMEDY
        ) from None


def wrap_secret(wrapping_key: bytes, secret: bytes, name: str) -> bytes:
    """Wrap a secret so that it opens only under this key and this name."""
    return seal_bytes(AESGCM(wrapping_key), secret, frame_parts("wrap", name))


def unwrap_secret(wrapping_key: bytes, wrapped: bytes, name: str) -> bytes:
    """Open a wrapped secret; raises Damaged if key or name is another."""
    return open_bytes(AESGCM(wrapping_key), wrapped, frame_parts("wrap", name))
