"""HMAC-SHA-256 of many short texts, under one key or a key each (RFC 2104 section 2).

`hmac` hashes as fast, but takes longer than that to begin and to end: for a short text that is what counts.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256

BLOCK_BYTES = 64
"""What SHA-256 hashes at once, B of RFC 2104."""
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def many_macs(key: bytes, messages: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the MAC of each message (32 bytes), as `hmac.digest(key, message, "sha256")` gives it."""
    padded = _padded(key)
    inner, outer = sha256(padded.translate(INNER)), sha256(padded.translate(OUTER))
    for message in messages:
        within, around = inner.copy(), outer.copy()
        within.update(message)
        around.update(within.digest())
        yield around.digest()


def paired_macs(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the MAC (32 bytes) of each message under a key of its own; pairs: (key, message)."""
    for key, message in pairs:
        padded = _padded(key)
        within = sha256(padded.translate(INNER))
        within.update(message)
        yield sha256(padded.translate(OUTER) + within.digest()).digest()


def _padded(key: bytes) -> bytes:
    return (key if len(key) <= BLOCK_BYTES else sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
