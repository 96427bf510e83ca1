"""The vectors that we publish: still ours, and right by a second reading of the specifications."""

import base64
import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from regenerate import vector_files

from lakehouse.core.trust import parse_trust
from lakehouse.core.verification import STEPS
from lakehouse.errors import NotVerified

FOLDER = Path(__file__).resolve().parent


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def leaf_of(data: bytes) -> str:
    return hashlib.sha256(b"\x00" + data).hexdigest()


def plain_canonical(value: Any) -> bytes:
    """RFC 8785 for values whose keys are ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", sorted(vector_files()))
def test_the_published_vectors_are_what_the_code_makes(name: str) -> None:
    assert (FOLDER / name).read_text() == vector_files()[name], "a format changed: it needs a new schema"


def test_records_hash_and_commit_as_described() -> None:
    for case in read("records.json"):
        assert plain_canonical(case["record"]).decode() == case["canonical"]
        assert leaf_of(case["canonical"].encode()) == case["leaf"]
        made = hmac.digest(bytes.fromhex(case["salt"]), plain_canonical(case["details"]), hashlib.sha256)
        assert made.hex() == case["details_commitment"] == case["record"]["details_commitment"]
        for name, opened in case["statements"].items():
            salt = bytes.fromhex(opened["salt"])
            stated = hmac.digest(salt, plain_canonical(opened["value"]), hashlib.sha256).hex()
            assert stated == case["record"]["digests"][name]


def test_file_digests_are_merkle_roots_as_described() -> None:
    for case in read("digests.json"):
        pairs = sorted((path.encode(), bytes.fromhex(digest)) for path, digest in case["manifest"])
        root = naive_root([path + b"\0" + digest for path, digest in pairs])
        keyed = hmac.digest(bytes.fromhex(case["opening"]), root, hashlib.sha256) if case["opening"] else root
        assert keyed.hex() == case["file_digest"]


def test_checkpoints_state_the_naive_root() -> None:
    entries = [f"entry {number}".encode() for number in range(258)]
    for log in read("logs.json")["logs"]:
        size, root = log["checkpoint"].split("\n")[1:3]
        assert int(size) == log["size"]
        assert base64.b64decode(root) == naive_root(entries[: log["size"]])


def payload_of(line: str) -> tuple[str, bytes, int, bytes]:
    """Return name, key id, time and bare signature of a cosignature line."""
    dash, name, encoded = line.split(" ")
    data = base64.b64decode(encoded)
    assert dash == "—"
    return name, data[:4], int.from_bytes(data[4:12], "big"), data[12:]


def key_of(vkey: str) -> tuple[str, bytes, bytes]:
    """Return name, key id and public key of a vkey, the id computed anew."""
    name, key_id, encoded = vkey.split("+", 2)
    material = base64.b64decode(encoded)
    computed = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    assert computed.hex() == key_id
    return name, computed, material[1:]


def subtree_message(name: str, seconds: int, checkpoint: str) -> bytes:
    """The `cosigned_message` of c2sp.org/tlog-cosignature, for a whole tree."""
    origin, size, root = checkpoint.split("\n")[:3]
    return (
        b"subtree/v1\n\0"
        + struct.pack(">B", len(name.encode()))
        + name.encode()
        + struct.pack(">QB", seconds, len(origin.encode()))
        + origin.encode()
        + struct.pack(">QQ", 0, int(size))
        + base64.b64decode(root)
    )


def test_ed25519_cosignatures_are_as_described() -> None:
    for case in read("logs.json")["cosignatures"]:
        name, key_id, public = key_of(case["vkey"])
        assert payload_of(case["line"])[:3] == (name, key_id, case["time"])
        assert case["message"] == f"cosignature/v1\ntime {case['time']}\n{case['checkpoint']}"
        signature = payload_of(case["line"])[3]
        Ed25519PublicKey.from_public_bytes(public).verify(signature, case["message"].encode())
        expected = subtree_message("witness.example/w1", case["time"], case["checkpoint"])
        assert case["ml_dsa_44_message"] == expected.hex()


def test_ml_dsa_44_cosignatures_are_as_described() -> None:
    kept = read("kept_signatures.json")
    name, key_id, public = key_of(kept["vkey"])
    seeded = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(kept["seed"]))
    assert seeded.public_key().public_bytes_raw() == public
    for case in kept["cosignatures"]:
        assert payload_of(case["line"])[:3] == (name, key_id, case["time"])
        message = subtree_message(name, case["time"], case["checkpoint"])
        assert message.hex() == case["message"]
        MLDSA44PublicKey.from_public_bytes(public).verify(payload_of(case["line"])[3], message)


def test_bundles_name_their_failed_steps() -> None:
    """Each step fails alone for at least one bundle, but for schema (all fail) and data (none given)."""
    failed = {case["name"]: case["failed"] for case in read("bundles.json")}
    assert failed["a gold version"] == failed["an answer"] == failed["time-stamped"] == []
    assert len(failed["duplicate key"]) == len(STEPS)
    alone = {names[0] for names in failed.values() if len(names) == 1}
    assert alone == set(STEPS) - {"schema", "data"}


def test_evidence_names_its_failed_steps() -> None:
    failed = {case["name"]: case["failed"] for case in read("misbehaviour.json")}
    assert [name for name, steps in failed.items() if not steps] == ["forked", "rewritten"]


@pytest.mark.parametrize("case", read("trust.json"), ids=lambda case: case["name"])
def test_trust_files_are_read_or_refused(case: dict[str, Any]) -> None:
    if case["accepted"]:
        assert parse_trust(case["trust"].encode()).render() == case["trust"]
    else:
        with pytest.raises(NotVerified):
            parse_trust(case["trust"].encode())


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(entries) < 2:
        return hashlib.sha256(b"\x00" + entries[0] if entries else b"").digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()
