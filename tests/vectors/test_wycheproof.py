import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from shared_vectors import shared_vectors

from lakehouse.adapters.key_tree import decrypt_blob, expand_blocks, extract_roots
from lakehouse.errors import Damaged


def groups(name):
    return json.loads((shared_vectors("wycheproof") / name).read_text())["testGroups"]


def test_aes_gcm_verdicts_through_our_cipher():
    """256-bit keys, 96-bit nonces, 128-bit tags: the only form that suite 1 has."""
    seen = 0
    for group in groups("aes_gcm_test.json"):
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            cipher = AESGCM(bytes.fromhex(case["key"]))
            blob = b"\x01" + bytes.fromhex(case["iv"] + case["ct"] + case["tag"])
            associated = bytes.fromhex(case["aad"])
            if case["result"] == "valid":
                assert decrypt_blob(cipher, blob, associated).hex() == case["msg"], case["tcId"]
            else:
                with pytest.raises(Damaged):
                    decrypt_blob(cipher, blob, associated)
            seen += 1
    assert seen == 66


def test_hkdf_verdicts_through_our_key_tree():
    """Every case of HKDF-SHA256 without salt, as far as its first block: the only form that a key has."""
    seen = 0
    for group in groups("hkdf_sha256_test.json"):
        for case in group["tests"]:
            if case["salt"]:
                continue
            (made,) = expand_blocks(extract_roots([bytes.fromhex(case["ikm"])]), bytes.fromhex(case["info"]))
            assert made[: case["size"]].hex() == case["okm"][:64], case["tcId"]
            seen += 1
    assert seen == 23
