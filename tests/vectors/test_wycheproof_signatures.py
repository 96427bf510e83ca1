"""Every Wycheproof verdict on Ed25519 and ML-DSA-44, through the function that checks our notes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from shared_vectors import shared_vectors

from lakehouse.adapters.signatures import verify_signature
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, COSIGNATURE_V1, ED25519, VerifierKey


def cases(name: str, algorithm: int) -> Iterator[tuple[VerifierKey, dict[str, Any]]]:
    """Yield each case with the key of its group."""
    for group in json.loads((shared_vectors("wycheproof") / name).read_text())["testGroups"]:
        public = group["publicKey"]
        public = public if isinstance(public, str) else public["pk"]
        key = VerifierKey(name="wycheproof", algorithm=algorithm, public=bytes.fromhex(public))
        for case in group["tests"]:
            yield key, case


def says(key: VerifierKey, case: dict[str, Any]) -> bool:
    return verify_signature(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))


@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE_V1])
def test_ed25519_verdicts(algorithm: int) -> None:
    given = list(cases("ed25519_test.json", algorithm))
    wrong = [case["tcId"] for key, case in given if says(key, case) != (case["result"] == "valid")]
    assert (len(given), wrong) == (151, [])


def test_ml_dsa_44_verdicts() -> None:
    """Cosignatures have no context: what is valid under one only is not valid here."""
    given = list(cases("mldsa_44_verify_test.json", COSIGNATURE_ML_DSA_44))
    expected = {case["tcId"]: case["result"] == "valid" and not case.get("ctx") for _, case in given}
    wrong = [case["tcId"] for key, case in given if says(key, case) != expected[case["tcId"]]]
    assert (len(given), sum(expected.values()), wrong) == (180, 75, [])
