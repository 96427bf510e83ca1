"""The vectors that we publish: still ours, and right by a second reading of the specifications."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from regenerate import vector_files

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


def test_bundles_name_their_failed_steps() -> None:
    failed = {case["name"]: case["failed"] for case in read("bundles.json")}
    assert failed["a gold version"] == failed["an answer"] == failed["cosigned"] == []
    assert failed["another version number"] == ["inclusion"]
    assert failed["witness demanded, none there"] == ["policy"]
    assert len(failed["duplicate key"]) == 11


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(entries) < 2:
        return hashlib.sha256(b"\x00" + entries[0] if entries else b"").digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()
