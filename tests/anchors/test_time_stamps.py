"""What a time stamp must be to count: signed by the authority of the trust file over these very bytes."""

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from forged_tokens import (
    CONTENT_TYPE,
    ECDSA_SHA256,
    NULL,
    RSA_PLAIN,
    RSA_PSS,
    RSA_SHA512,
    SHA1,
    SHA1_CERTIFICATE,
    SHA256,
    SHA512,
    SIGNED_DATA,
    SIGNING_TIME,
    TST_INFO,
    UNKNOWN,
    Forgery,
    as_answer,
    attribute,
    integer,
    library_accepts,
    octets,
    sequence,
    set_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from local_authority import (
    NOW,
    LocalAuthority,
    der,
    make_authority,
    make_certificate,
    make_key,
    needs_openssl,
)
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from lakehouse.adapters import time_stamps
from lakehouse.adapters.time_stamps import check_stamp, load_authority
from lakehouse.core.der import encode_element
from lakehouse.core.time_stamp import LARGEST_TOKEN, parse_answer, parse_time_stamp
from lakehouse.core.trust import Authority
from lakehouse.errors import NotVerified

TEXT = b"livinglab.local/sample\n7\nroot\n"
DIGEST = hashlib.sha256(TEXT).digest()
_SAMPLE = as_answer(sequence(SIGNED_DATA, encode_element(0xA0, sequence(integer("03"), set_of(NULL)))))


def stamped(authority: LocalAuthority, algorithm: HashAlgorithm = HashAlgorithm.SHA256) -> bytes:
    """Return the token that openssl gives for TEXT."""
    builder = TimestampRequestBuilder().data(TEXT).hash_algorithm(algorithm)
    return authority.reply(builder.cert_request(cert_request=False).build().as_bytes(), token=True)


def holds(authority: LocalAuthority, token: bytes, digest: bytes = DIGEST) -> bool:
    try:
        check_stamp(authority.trusted, token, digest)
    except NotVerified:
        return False
    return True


@needs_openssl
@pytest.mark.parametrize("kind", ["rsa_authority", "curve_authority"])
def test_a_stamp_of_openssl_says_when_the_bytes_were_seen(kind: str, request: pytest.FixtureRequest) -> None:
    authority = request.getfixturevalue(kind)
    token = stamped(authority)

    seen = check_stamp(authority.trusted, token, DIGEST)

    assert abs(datetime.now(UTC) - seen) < timedelta(minutes=5)
    assert library_accepts(token, authority, DIGEST)


@needs_openssl
def test_a_stamp_over_sha512_is_held_against_a_digest_of_that_length(rsa_authority: LocalAuthority) -> None:
    token = stamped(rsa_authority, HashAlgorithm.SHA512)

    assert holds(rsa_authority, token, hashlib.sha512(TEXT).digest())
    assert not holds(rsa_authority, token)


@needs_openssl
@pytest.mark.parametrize("kind", ["rsa_authority", "curve_authority"])
def test_no_changed_byte_passes_unless_it_says_the_same(kind: str, request: pytest.FixtureRequest) -> None:
    """`rsaEncryption` and `sha256WithRSAEncryption` are 10 apart and name one algorithm: the only twin."""
    authority = request.getfixturevalue(kind)
    token = stamped(authority)

    passed = [changed for changed in _changes(token) if holds(authority, changed)]

    assert all(parse_time_stamp(changed) == parse_time_stamp(token) for changed in passed)
    assert len(passed) == (1 if kind == "rsa_authority" else 0)


@needs_openssl
def test_without_the_signature_check_changed_bytes_pass(
    rsa_authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: the test above must be able to find one."""
    token = stamped(rsa_authority)
    monkeypatch.setattr(time_stamps, "_is_genuine", lambda stamp, certificate: True)

    assert sum(holds(rsa_authority, changed) for changed in _changes(token)) > 100


def _changes(token: bytes) -> list[bytes]:
    return [
        token[:place] + bytes([value]) + token[place + 1 :]
        for place, byte in enumerate(token)
        for value in {byte ^ 1, byte ^ 0x80, (byte + 10) % 256, 0xFF} - {byte}
    ]


@needs_openssl
def test_no_beginning_and_no_longer_token_passes(rsa_authority: LocalAuthority) -> None:
    token = stamped(rsa_authority)

    assert not any(holds(rsa_authority, token[:end]) for end in range(len(token)))
    assert not holds(rsa_authority, token + b"\x00")
    assert not holds(rsa_authority, b"\x30" * 1_000_000)
    assert not holds(rsa_authority, token.ljust(LARGEST_TOKEN + 1, b"\x00"))


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_a_token_made_by_hand_holds(tmp_path: Path, kind: str) -> None:
    """So that each refusal below is that of the one part that was changed."""
    authority = make_authority(tmp_path / kind, kind)
    token = Forgery(authority=authority, digest=DIGEST).token()

    assert check_stamp(authority.trusted, token, DIGEST) == NOW
    assert library_accepts(token, authority, DIGEST)


_SHA1_HASH = attribute(SHA1_CERTIFICATE, sequence(sequence(sequence(octets(b"\x00" * 20)))))
ACCEPTED = {
    "a hash algorithm without its NULL": {
        "signer_digest": sequence(SHA256),
        "digest_algorithms": set_of(sequence(SHA256)),
    },
    "a fraction of a second": {"time": NOW.strftime("%Y%m%d%H%M%S.25Z").encode()},
    "accuracy, ordering and nonce": {"info_tail": sequence(integer("01")) + b"\x01\x01\xff" + integer("2a")},
}
REFUSED = {
    "another version of signed data": {"version": "01"},
    "two hash algorithms": {"digest_algorithms": set_of(sequence(SHA256, NULL), sequence(SHA512, NULL))},
    "another hash algorithm outside than inside": {"digest_algorithms": set_of(sequence(SHA512, NULL))},
    "another content type": {"content_type": UNKNOWN},
    "another certificate": {"certificates": encode_element(0xA0, b"\x30\x00")},
    "a revocation list": {"certificates": encode_element(0xA1, b"\x30\x00")},
    "two signers": {"signers": 2},
    "no signer": {"signers": 0},
    "a signer of version 3": {"signer_version": "03"},
    "a signer by key identifier": {"signer_version": "03", "identity": encode_element(0x80, b"\x01" * 20)},
    "another signer": {"identity": sequence(b"\x30\x00", integer("01"))},
    "SHA-1": {"signer_digest": sequence(SHA1, NULL), "digest_algorithms": set_of(sequence(SHA1, NULL))},
    "another signature algorithm": {"algorithm": sequence(RSA_PSS, NULL)},
    "an ECDSA name on an RSA signature": {"algorithm": sequence(ECDSA_SHA256)},
    "a signature algorithm of another hash": {"algorithm": sequence(RSA_SHA512, NULL)},
    "parameters where none belong": {"algorithm": sequence(RSA_PLAIN, integer("00"))},
    "an unsigned attribute": {"unsigned": encode_element(0xA1, attribute(UNKNOWN, NULL))},
    "bytes after the token": {"tail": b"\x00"},
    "no signed attribute": {"attributes": []},
    "an unknown signed attribute": {"extra_attributes": (attribute(UNKNOWN, NULL),)},
    "a signed attribute twice": {"extra_attributes": (attribute(CONTENT_TYPE, TST_INFO),)},
    "a signed attribute of two values": {"extra_attributes": (attribute(SIGNING_TIME, NULL, NULL),)},
    "another signing certificate": {"certificate_hash": b"\x00" * 32},
    "another signing certificate by SHA-1": {"extra_attributes": (_SHA1_HASH,)},
    "information of version 2": {"info_version": "02"},
    "an extension": {"info_tail": encode_element(0xA1, sequence(UNKNOWN, octets(b"")))},
    "optional fields out of order": {"info_tail": integer("2a") + sequence(integer("01"))},
    "a nonce twice": {"info_tail": integer("2a") * 2},
    "an imprint by SHA-1": {"imprint_algorithm": sequence(SHA1, NULL)},
    "an imprint of another length than its hash": {"imprint_algorithm": sequence(SHA512, NULL)},
    "a time without its zone": {"time": NOW.strftime("%Y%m%d%H%M%S").encode()},
    "a time in another zone": {"time": NOW.strftime("%Y%m%d%H%M%S+0100").encode()},
    "a moment that does not exist": {"time": b"20260230100000Z"},
    "a fraction that ends in zero": {"time": NOW.strftime("%Y%m%d%H%M%S.50Z").encode()},
    "a time before the certificate": {"time": b"20200101000000Z"},
    "a time after the certificate": {"time": b"20990101000000Z"},
    "other bytes": {"digest": hashlib.sha256(b"other").digest()},
}


@pytest.mark.parametrize("parts", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_an_authority_may_write_otherwise_holds(rsa_authority: LocalAuthority, parts: dict) -> None:
    token = Forgery(**{"authority": rsa_authority, "digest": DIGEST, **parts}).token()

    assert check_stamp(rsa_authority.trusted, token, DIGEST) == NOW
    assert library_accepts(token, rsa_authority, DIGEST)


@pytest.mark.parametrize("parts", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_with_another_part_is_refused(rsa_authority: LocalAuthority, parts: dict) -> None:
    token = Forgery(**{"authority": rsa_authority, "digest": DIGEST, **parts}).token()

    with pytest.raises(NotVerified):
        check_stamp(rsa_authority.trusted, token, DIGEST)


_TWO_USAGES = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)
_WITHOUT = {
    "no extended key usage": {"usage": ()},
    "a usage that is not critical": {"critical": False},
    "the usage of a web server": {"usage": (ExtendedKeyUsageOID.SERVER_AUTH,)},
    "no longer valid": {"begins": NOW - timedelta(days=9), "ends": NOW - timedelta(days=1)},
    "not yet valid": {"begins": NOW + timedelta(days=1)},
}


@pytest.mark.parametrize("certified", _WITHOUT.values(), ids=_WITHOUT.keys())
def test_a_certificate_that_may_not_stamp_is_refused(tmp_path: Path, certified: dict) -> None:
    authority = make_authority(tmp_path / "odd", "p256", **certified)
    token = Forgery(authority=authority, digest=DIGEST).token()

    assert not holds(authority, token)
    assert not library_accepts(token, authority, DIGEST)


@pytest.mark.parametrize("certified", [{"kind": "rsa1024"}, {"kind": "k256"}, {"usage": _TWO_USAGES}])
def test_weak_keys_and_double_uses_are_refused_though_the_library_takes_them(
    tmp_path: Path, certified: dict
) -> None:
    authority = make_authority(tmp_path / "odd", **{"kind": "p256", **certified})

    assert not holds(authority, Forgery(authority=authority, digest=DIGEST).token())


@needs_openssl
def test_an_authority_without_the_usage_cannot_be_made_to_stamp(tmp_path: Path) -> None:
    """openssl itself refuses to answer for such a certificate."""
    authority = make_authority(tmp_path / "odd", "p256", usage=())

    with pytest.raises(FileNotFoundError):
        stamped(authority)


def test_a_certificate_of_an_unknown_version_is_no_authority(rsa_authority: LocalAuthority) -> None:
    """Version 4 does not exist: `cryptography` says so with an error of its own."""
    content = der(rsa_authority.certificate)
    assert content.count(b"\xa0\x03\x02\x01\x02") == 1
    with pytest.raises(NotVerified):
        load_authority(content.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03"))


def test_an_expired_certificate_counts_for_the_time_when_it_was_valid(tmp_path: Path) -> None:
    ended = NOW - timedelta(days=30)
    authority = make_authority(tmp_path / "old", "p256", begins=ended - timedelta(days=9), ends=ended)
    token = Forgery(authority=authority, digest=DIGEST, time=ended.strftime("%Y%m%d%H%M%SZ").encode()).token()

    assert check_stamp(authority.trusted, token, DIGEST) == ended


def test_a_stranger_with_the_names_of_an_authority_is_refused(
    rsa_authority: LocalAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is as it should be but the key; without the signature check it passes."""
    stranger = replace(rsa_authority, key=make_key("rsa"))
    token = Forgery(authority=stranger, digest=DIGEST).token()

    assert not holds(rsa_authority, token)
    assert not library_accepts(token, rsa_authority, DIGEST)
    monkeypatch.setattr(time_stamps, "_is_genuine", lambda stamp, certificate: True)
    assert holds(rsa_authority, token)


def test_a_second_certificate_of_the_same_key_is_another_authority(
    rsa_authority: LocalAuthority, curve_authority: LocalAuthority
) -> None:
    renewed = make_certificate("clock.example", rsa_authority.key, "root.example", rsa_authority.key)
    token = Forgery(authority=rsa_authority, digest=DIGEST).token()

    assert not holds(replace(rsa_authority, certificate=renewed), token)
    assert not holds(curve_authority, token)
    with pytest.raises(NotVerified):
        check_stamp(Authority(name="x", certificate=b"\x30\x00"), token, DIGEST)


@needs_openssl
def test_a_carried_certificate_is_that_of_the_trust_file(rsa_authority: LocalAuthority) -> None:
    builder = TimestampRequestBuilder().data(TEXT).hash_algorithm(HashAlgorithm.SHA256)
    token = rsa_authority.reply(builder.cert_request(cert_request=True).build().as_bytes(), token=True)

    assert parse_time_stamp(token).certificate == der(rsa_authority.certificate)
    assert holds(rsa_authority, token)


@settings(max_examples=200)
@given(st.binary(max_size=64), st.integers(min_value=0, max_value=10_000))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes, place: int) -> None:
    forged = bytearray(_SAMPLE)
    cut = place % len(_SAMPLE)
    forged[cut : cut + len(garbage)] = garbage

    for read in (parse_time_stamp, parse_answer):
        for data in (garbage, bytes(forged)):
            with suppress(NotVerified):
                read(data)
