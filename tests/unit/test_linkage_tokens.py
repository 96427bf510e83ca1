"""Two sites find the same person by tokens that neither of them can make, or open, alone."""

import hashlib
from collections.abc import Iterable

import pytest

from lakehouse.adapters.linkage_tokens import (
    PRIME,
    blind_identifier,
    blind_token,
    hash_to_point,
    map_to_point,
    on_curve,
)
from lakehouse.errors import NotVerified, WrongUse

NORTH, SOUTH, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
EVERYBODY = [f"GaPt{number:02}" for number in range(100)]


def token(secret: bytes, identifier: str, purpose: str = "research", system: str = "gaitpdb") -> bytes:
    return blind_identifier(secret, purpose=purpose, system=system, identifier=identifier)


def both(first: bytes, second: bytes, identifier: str, purpose: str = "research") -> bytes:
    return blind_token(second, token(first, identifier, purpose))


def test_the_same_person_has_one_token_whichever_site_began() -> None:
    north, south = ["GaPt03", "GaPt07", "GaPt11"], ["GaPt07", "GaPt12", "GaPt03"]
    seen_north = {both(NORTH, SOUTH, name) for name in north}
    seen_south = {both(SOUTH, NORTH, name) for name in south}
    assert seen_north & seen_south == {both(NORTH, SOUTH, name) for name in ("GaPt03", "GaPt07")}


def test_tokens_of_another_purpose_system_or_secret_share_nothing() -> None:
    tokens = {
        both(NORTH, SOUTH, "GaPt03"),
        both(NORTH, SOUTH, "GaPt03", purpose="care_improvement"),
        both(NORTH, OTHER, "GaPt03"),
        blind_token(SOUTH, token(NORTH, "GaPt03", system="clinic")),
        token(NORTH, "GaPt03"),
    }
    assert len(tokens) == 5


def test_parts_cannot_slide_into_each_other() -> None:
    assert token(NORTH, "dbGaPt03", system="gaitp") != token(NORTH, "GaPt03", system="gaitpdb")


def opened(tokens: Iterable[bytes], guesses: dict[bytes, str]) -> list[str]:
    """Return the identifiers that a dictionary of guesses opens."""
    return [guesses[one] for one in tokens if one in guesses]


def test_a_dictionary_of_everybody_opens_plain_hashes_and_no_token() -> None:
    """The broken variant: a plain hash is opened by whoever can list the identifiers there are."""
    people = ["GaPt03", "GaPt42"]
    plain = [hashlib.sha256(f"research/gaitpdb/{name}".encode()).digest() for name in people]
    dictionary = {hashlib.sha256(f"research/gaitpdb/{name}".encode()).digest(): name for name in EVERYBODY}
    assert opened(plain, dictionary) == people
    dictionary |= {token(OTHER, name): name for name in EVERYBODY}
    dictionary |= {both(OTHER, SOUTH, name): name for name in EVERYBODY}
    assert opened([both(NORTH, SOUTH, name) for name in people], dictionary) == []


def test_no_token_shows_a_bit_of_its_identifier() -> None:
    """The broken variant takes the hash as a point as it is: blinding keeps it on the curve or the twist."""
    hashes = [int.from_bytes(hashlib.sha256(name.encode()).digest(), "little") % PRIME for name in EVERYBODY]
    blinded = [blind_token(NORTH, one.to_bytes(32, "little")) for one in hashes]
    sides = [on_curve(int.from_bytes(one, "little")) for one in blinded]
    assert sides == [on_curve(one) for one in hashes] and 20 < sum(sides) < 80
    assert all(on_curve(int.from_bytes(token(NORTH, name), "little")) for name in EVERYBODY)


SMALL_ORDER = [
    0,
    1,
    PRIME - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
]


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_point_of_small_order_is_refused(point: int) -> None:
    """It would give the same result under every secret, and so name the people of whoever takes it."""
    with pytest.raises(NotVerified, match="small order"):
        blind_token(NORTH, point.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "wrong", [b"", b"\1" * 31, b"\1" * 33, PRIME.to_bytes(32, "little"), b"\xff" * 32, b"\x09" * 31 + b"\x80"]
)
def test_what_is_no_canonical_point_is_refused(wrong: bytes) -> None:
    """Two spellings of one point would be two tokens of one person."""
    with pytest.raises(NotVerified, match="no canonical point"):
        blind_token(NORTH, wrong)


def test_a_token_needs_all_its_parts_and_a_whole_secret() -> None:
    for parts in ({"identifier": ""}, {"identifier": "x", "purpose": ""}, {"identifier": "x", "system": ""}):
        with pytest.raises(WrongUse):
            token(NORTH, **parts)
    with pytest.raises(WrongUse, match="32 bytes"):
        token(b"short", "GaPt03")


RFC_9380 = [
    (
        b"",
        "608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd",
        "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
    ),
    (
        b"abc",
        "46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5",
        "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
    ),
    (
        b"abcdef0123456789",
        "235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa",
        "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
    ),
]


@pytest.mark.parametrize(("message", "element", "point"), RFC_9380)
def test_the_hash_to_a_point_is_that_of_rfc_9380(message: bytes, element: str, point: str) -> None:
    """Appendix J.4.2: message, field element u, and the point Q before its cofactor is cleared."""
    assert f"{map_to_point(int(element, 16)):064x}" == point
    assert f"{hash_to_point(message, b'QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_'):064x}" == point


def test_blinding_is_x25519_of_rfc_7748() -> None:
    """Section 6.1: the shared secret of Alice and Bob, reached from both sides."""
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    base = (9).to_bytes(32, "little")
    shared = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert blind_token(alice, blind_token(bob, base)) == blind_token(bob, blind_token(alice, base)) == shared
