"""The file digest of a version and the commitment to a record's details (PROTOCOLS, section 2)."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from lakehouse.core.canonical import canonical_json
from lakehouse.core.merkle import leaf_hash, root_of
from lakehouse.errors import WrongUse

SALT_BYTES = 32
PLAIN_LAYERS = frozenset({"gold", "draft"})
"""Layers whose digests are plain: their files hold no row of one person that a guess could confirm."""
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_digest(text: object) -> bool:
    """Say whether `text` is 64 lower-case hex digits."""
    return isinstance(text, str) and _HEX_DIGEST.fullmatch(text) is not None


def is_plain(table: str) -> bool:
    """Say whether the digests of `layer.table` stand without a key."""
    return table.partition(".")[0] in PLAIN_LAYERS


def file_digest(manifest: Sequence[tuple[str, str]], opening: bytes | None) -> str:
    """Return the digest of a version's files: lower-case hex.

    `manifest` holds (relative path, SHA-256 hex) of each file. The digest is the RFC 6962 root over the
    leaves `path NUL sha256` (32 raw bytes), sorted by the path's UTF-8; with `opening` (bronze, silver)
    HMAC-SHA256(opening, root), so that a guessed file confirms nothing.
    """
    paths = [path for path, _ in manifest]
    if len(set(paths)) != len(paths) or any("\0" in path for path in paths):
        raise WrongUse("a manifest names a path twice or holds a NUL")
    if not all(is_digest(digest) for _, digest in manifest):
        raise WrongUse("a manifest holds a digest that is not 64 hex digits")
    leaves = sorted((path.encode("utf-8"), bytes.fromhex(digest)) for path, digest in manifest)
    root = root_of([leaf_hash(path + b"\0" + digest) for path, digest in leaves])
    return root.hex() if opening is None else hmac.digest(opening, root, hashlib.sha256).hex()


def commit_details(details: Mapping[str, object], salt: bytes) -> str:
    """Return HMAC-SHA256(salt, canonical details), hex: binding, and silent once the salt is destroyed."""
    if len(salt) != SALT_BYTES:
        raise WrongUse(f"a salt has {SALT_BYTES} bytes, this one {len(salt)}")
    return hmac.digest(salt, canonical_json(details), hashlib.sha256).hex()
