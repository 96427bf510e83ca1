"""Trust files: one key, one place, one meaning; nothing demanded that cannot be there."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from proof_samples import QUANTUM, QUORUM_TRUST, SECOND, SIGNER, WITNESS

from lakehouse.adapters.signatures import Signer, WitnessSigner
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, COSIGNATURE_V1, ED25519, VerifierKey
from lakehouse.core.trust import Authority, Trust, parse_trust
from lakehouse.errors import NotVerified

AUTHORITY = Authority(name="Time stamps of example", certificate=b"\x30\x03\x02\x01\x01")
TRUST = replace(QUORUM_TRUST, authorities=(AUTHORITY,), time_stamps=1)


def same_key(signer: Signer | WitnessSigner, name: str, algorithm: int) -> VerifierKey:
    """Return the same public key under another name or type."""
    return VerifierKey(name=name, algorithm=algorithm, public=signer.key.public)


def edited(**changes: Any) -> bytes:
    fields = json.loads(TRUST.render())
    return canonical_json({**fields, **changes}) + b"\n"


def test_a_trust_file_reads_back() -> None:
    assert parse_trust(TRUST.render().encode()) == TRUST
    assert TRUST.authority(AUTHORITY.name) == AUTHORITY
    assert TRUST.authority("another") is None


def test_any_other_byte_is_another_trust_or_none() -> None:
    data = TRUST.render().encode()
    for place in range(len(data)):
        try:
            changed = parse_trust(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        except NotVerified:
            continue
        assert changed != TRUST


def test_the_log_s_key_is_no_witness_under_another_type() -> None:
    """Broken: compared as vkey lines, one key of two types looks like two."""
    twin = same_key(SIGNER, "witness.example/w9", COSIGNATURE_V1)
    assert twin.render() != SIGNER.vkey
    with pytest.raises(NotVerified, match="twice"):
        Trust(log=SIGNER.key, witnesses=(twin,))


def test_a_witness_is_not_counted_under_two_names() -> None:
    """The Ed25519 message does not name the witness: one cosignature would serve both."""
    twin = same_key(WITNESS, "witness.example/other", COSIGNATURE_V1)
    with pytest.raises(NotVerified, match="twice"):
        Trust(log=SIGNER.key, witnesses=(WITNESS.key, twin), cosignatures=2)


def test_two_keys_of_a_witness_do_not_share_an_id() -> None:
    """A signature line names 32 bits of its key: one line of these would count for both, or for either."""
    name = "witness.example/w1"
    quantum = WitnessSigner(name, b"\x41" * 32, COSIGNATURE_ML_DSA_44).key
    searched = hashlib.sha256(b"19081506").digest()
    twin = VerifierKey(name=name, algorithm=COSIGNATURE_V1, public=searched)
    assert twin.key_id == quantum.key_id
    with pytest.raises(NotVerified, match="one id"):
        Trust(log=SIGNER.key, witnesses=(twin, quantum))


@pytest.mark.parametrize(
    "members",
    [
        {"log": WITNESS.key},
        {"log": QUANTUM.key},
        {"witnesses": (SIGNER.key,)},
        {"witnesses": (same_key(WITNESS, SIGNER.key.name, COSIGNATURE_V1),)},
        {"witnesses": (WITNESS.key, WITNESS.key)},
        {"witnesses": (WITNESS.key, WitnessSigner(WITNESS.key.name, b"\x0a" * 32).key)},
        {"witnesses": (same_key(WITNESS, "witness.example/w1", ED25519),)},
        {"cosignatures": 3},
        {"cosignatures": -1},
        {"cosignatures": True},
        {"post_quantum": 2},
        {"time_stamps": 2},
        {"authorities": (AUTHORITY, AUTHORITY)},
        {"authorities": (AUTHORITY, replace(AUTHORITY, name="same certificate"))},
    ],
)
def test_a_trust_that_means_two_things_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(NotVerified):
        replace(TRUST, **members)


def test_one_witness_may_have_a_key_of_each_type() -> None:
    assert WITNESS.key.name == QUANTUM.key.name
    assert Trust(log=SIGNER.key, witnesses=(WITNESS.key, QUANTUM.key), cosignatures=1, post_quantum=1)
    with pytest.raises(NotVerified, match="2 cosignatures where 1 are possible"):
        Trust(log=SIGNER.key, witnesses=(WITNESS.key, QUANTUM.key), cosignatures=2)
    with pytest.raises(NotVerified, match="1 post-quantum cosignatures where 0 are possible"):
        Trust(log=SIGNER.key, witnesses=(SECOND.key,), post_quantum=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "livinglab/trust/v2"},
        {"origin": "another.example/log"},
        {"log": 1},
        {"log": None},
        {"witnesses": {}},
        {"witnesses": [1]},
        {"witnesses": ["witness.example/w1+00000000+AAAA"]},
        {"authorities": None},
        {"authorities": [{}]},
        {"authorities": ["tsa"]},
        {"authorities": [{"name": "a", "certificate": "AAA"}]},
        {"authorities": [{"name": "a", "certificate": ""}]},
        {"authorities": [{"name": "", "certificate": "AAAA"}]},
        {"authorities": [{"name": "a\x07", "certificate": "AAAA"}]},
        {"authorities": [{"name": "a", "certificate": "AAAA", "url": "https://tsa.example"}]},
        {"policy": {"cosignatures": 1}},
        {"policy": {"cosignatures": True, "post_quantum": 0, "time_stamps": 0}},
        {"policy": {"cosignatures": "1", "post_quantum": 0, "time_stamps": 0}},
        {"policy": {"cosignatures": 1, "post_quantum": 0, "time_stamps": 0, "extra": 0}},
        {"extra": 1},
    ],
)
def test_other_fields_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotVerified):
        parse_trust(edited(**changes))


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b" " * (1 << 20) + b"\n"])
def test_what_is_no_trust_file_is_refused(data: bytes) -> None:
    with pytest.raises(NotVerified):
        parse_trust(data)
