"""The key tree of a person and the one authenticated cipher (PROTOCOLS section 1).

From a subject's secret by HKDF-SHA256 (RFC 5869, empty salt) with info `livinglab/v1/<use>`:
`seal`, `date_shift`, `receipt`; `digest` comes from `receipt`, so that a person who is given their
receipt key recomputes their digests and opens nothing. Sealing is AES-256-GCM (NIST SP 800-38D).
A blob is `suite (1 byte) | nonce (12) | ciphertext and tag (16)`.
"""

import hmac
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.core.many_macs import many_macs, paired_macs
from lakehouse.errors import Damaged

KeyUse = Literal["seal", "date_shift", "receipt", "digest"]
Cell = tuple[AESGCM, bytes, bytes]
"""The cipher of a cell's owner, the associated data of its place, and what is sealed or opened."""
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
SUITE = b"\x01"
"""Suite 1: AES-256-GCM, random 96-bit nonce."""
REMEDY = "livinglab fsck says what is damaged; restore it from a backup of this home"


class VaultKeys(Protocol):
    """The two keys that lie outside the home and without which a vault says nothing."""

    def wrapping_key(self) -> bytes:
        """Return the 32 bytes under which subject secrets are wrapped."""

    def index_key(self) -> bytes:
        """Return the 32 bytes under which identifiers are looked up."""


def extract_roots(secrets: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the 32 bytes from which every key of a secret is expanded (RFC 5869 section 2.2, empty salt)."""
    return many_macs(b"", secrets)


def expand_blocks(roots: Iterable[bytes], info: bytes) -> Iterator[bytes]:
    """Yield the first 32 bytes that `info` names below each root (RFC 5869 section 2.3, T(1))."""
    return paired_macs(zip(roots, repeat(info + b"\x01"), strict=False))


def expand_roots(roots: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the 32-byte key `livinglab/v1/<name>` of each extracted root."""
    return expand_blocks(roots, f"livinglab/v1/{name}".encode())


def derive_key(secret: bytes, name: str) -> bytes:
    """Return the 32-byte key that `livinglab/v1/<name>` names under `secret`."""
    (key,) = expand_roots(extract_roots([secret]), name)
    return key


def frame_parts(*parts: str) -> bytes:
    """Join texts so that no two lists of parts give the same bytes (each with its 4-byte length)."""
    framed = b""
    for part in map(str.encode, parts):
        framed += len(part).to_bytes(4, "big") + part
    return framed


def digest_under(key: bytes, *fixed: str) -> Callable[[str], bytes]:
    """Return what gives the HMAC-SHA-256 of `fixed` and one more text, framed, under `key`."""
    begun = hmac.new(key, frame_parts(*fixed), "sha256")

    def digest(text: str) -> bytes:
        made = begun.copy()
        made.update(frame_parts(text))
        return made.digest()

    return digest


def seal_bytes(cipher: AESGCM, plain: bytes, associated: bytes) -> bytes:
    """Seal `plain` under suite 1 and a fresh nonce."""
    (blob,) = seal_cells([(cipher, associated, plain)])
    return blob


def seal_cells(cells: Sequence[Cell]) -> list[bytes]:
    """Seal each cell under suite 1 and a fresh nonce."""
    return [
        SUITE + nonce + cipher.encrypt(nonce, plain, SUITE + associated)
        for nonce, (cipher, associated, plain) in zip(draw_bytes(len(cells), NONCE_BYTES), cells, strict=True)
    ]


def draw_bytes(count: int, size: int) -> Iterator[bytes]:
    """Yield `count` random values of `size` bytes; the system is asked once for all of them."""
    drawn = os.urandom(count * size)
    return (drawn[start : start + size] for start in range(0, len(drawn), size))


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


def wrap_secret(wrapping: AESGCM, secret: bytes, name: str) -> bytes:
    """Wrap a secret so that it opens only under this cipher's key and this name."""
    (wrapped,) = wrap_secrets(wrapping, {name: secret})
    return wrapped


def wrap_secrets(wrapping: AESGCM, secrets: Mapping[str, bytes]) -> list[bytes]:
    """Wrap each of the secrets, by name, as `wrap_secret` does."""
    return seal_cells([(wrapping, _WRAP + frame_parts(name), secret) for name, secret in secrets.items()])


def unwrap_secret(wrapping: AESGCM, wrapped: bytes, name: str) -> bytes:
    """Open a wrapped secret; raises Damaged if key or name is another."""
    return open_bytes(wrapping, wrapped, _WRAP + frame_parts(name))


_WRAP = frame_parts("wrap")
