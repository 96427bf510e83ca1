"""The same person at two sites by a keyed token; no identifier leaves a site.

Each site has a secret of its own for a purpose. A hashes (purpose, id system, identifier) to a point and
blinds it with its secret, B blinds that again, and the other way round: the two secrets commute, so tokens
blinded by both are equal exactly where the person is the same. Without both secrets nobody can make the
token of a guessed identifier, so a dictionary of all identifiers opens none; tokens of another purpose or
other secrets share nothing. Whoever may send identifiers to a site to be blinded can test guesses there:
the exchange must count and limit that.

Hash to point: RFC 9380, curve25519_XMD:SHA-512_ELL2_NU_ (u-coordinate only; blinding clears the cofactor).
A hash taken as a u-coordinate as it is would lie on the curve or on its twist, and blinding shows which: a
bit for a dictionary. Blinding: X25519, RFC 7748. Tokens are 32 bytes.
"""

import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from lakehouse.adapters.key_tree import KEY_BYTES, frame_parts
from lakehouse.errors import NotVerified, WrongUse

PRIME = 2**255 - 19
COEFFICIENT = 486_662
DOMAIN = b"livinglab/linkage/v1-curve25519_XMD:SHA-512_ELL2_NU_"
TOKEN_BYTES = 32
_BLOCK = 128
_FIELD_BYTES = 48


def blind_identifier(secret: bytes, *, purpose: str, system: str, identifier: str) -> bytes:
    """Return an identifier's point under one site's secret (32 bytes), to be blinded again by the other.

    `identifier` must be canonical: written as the sites agreed, or the same person gives two tokens.
    """
    if not (purpose and system and identifier):
        raise WrongUse("a token needs a purpose, an id system and an identifier")
    point = hash_to_point(frame_parts(purpose, system, identifier), DOMAIN)
    return blind_token(secret, point.to_bytes(TOKEN_BYTES, "little"))


def blind_token(secret: bytes, token: bytes) -> bytes:
    """Return a token under this secret too; the order of two sites does not matter.

    Raises NotVerified for what is no token: of another length, not canonical, or a point of small order,
    which would give the same result for every secret.
    """
    if len(secret) != KEY_BYTES:
        raise WrongUse(f"a linkage secret has {KEY_BYTES} bytes, this one {len(secret)}")
    if len(token) != TOKEN_BYTES or int.from_bytes(token, "little") >= PRIME:
        raise NotVerified("a token from another site is no canonical point of 32 bytes")
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(token))
    except ValueError as error:
        raise NotVerified("a token from another site is a point of small order") from error


def hash_to_point(message: bytes, domain: bytes) -> int:
    """Return the u-coordinate to which RFC 9380 maps a message, before the cofactor is cleared."""
    return map_to_point(int.from_bytes(_expand_message(message, domain), "big") % PRIME)


def map_to_point(element: int) -> int:
    """Return the u-coordinate of Elligator 2 (RFC 9380, section 6.7.1) for a field element."""
    doubled = 2 * element * element % PRIME
    if doubled == PRIME - 1:
        doubled = 0
    first = -COEFFICIENT * pow(1 + doubled, -1, PRIME) % PRIME
    return first if on_curve(first) else (-first - COEFFICIENT) % PRIME


def on_curve(u: int) -> bool:
    """Say whether a u-coordinate is one of the curve, not of its twist."""
    square = u * (u * u + COEFFICIENT * u + 1) % PRIME
    return pow(square, (PRIME - 1) // 2, PRIME) in (0, 1)


def _expand_message(message: bytes, domain: bytes) -> bytes:
    """Return 48 bytes of `expand_message_xmd` with SHA-512 (RFC 9380, section 5.3.1): one block."""
    ending = domain + bytes([len(domain)])
    length = _FIELD_BYTES.to_bytes(2, "big")
    seed = hashlib.sha512(bytes(_BLOCK) + message + length + b"\0" + ending).digest()
    return hashlib.sha512(seed + b"\1" + ending).digest()[:_FIELD_BYTES]
