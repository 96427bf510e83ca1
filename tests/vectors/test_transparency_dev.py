"""All 196 verdicts of transparency-dev/merkle."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from shared_vectors import shared_vectors

from lakehouse.core.merkle import verify_consistency, verify_inclusion
from lakehouse.errors import NotVerified


def accepts(case: dict[str, Any]) -> bool:
    def data(name: str) -> bytes:
        return base64.b64decode(case[name] or "")

    path = [base64.b64decode(node) for node in case["proof"] or []]
    try:
        if "leafIdx" in case:
            verify_inclusion(data("leafHash"), case["leafIdx"], case["treeSize"], path, data("root"))
        else:
            verify_consistency(case["size1"], case["size2"], path, data("root1"), data("root2"))
    except NotVerified:
        return False
    return True


@pytest.mark.parametrize(("kind", "count"), [("inclusion", 98), ("consistency", 98)])
def test_every_verdict_is_that_of_transparency_dev(kind: str, count: int) -> None:
    files = sorted((shared_vectors("transparency-dev-merkle") / kind).rglob("*.json"))
    cases = {file: json.loads(file.read_text()) for file in files}
    wrong = [_short(file) for file, case in cases.items() if accepts(case) == case["wantErr"]]
    assert len(cases) == count
    assert wrong == []


def _short(file: Path) -> str:
    return "/".join(file.parts[-3:])


def climbs_without_size(case: dict[str, Any]) -> bool:
    """Broken: it asks neither for the tree's size nor whether the path is as long as that says."""
    node, index = base64.b64decode(case["leafHash"] or ""), case["leafIdx"]
    for text in case["proof"] or []:
        sibling = base64.b64decode(text)
        pair = sibling + node if index & 1 else node + sibling
        node, index = hashlib.sha256(b"\x01" + pair).digest(), index >> 1
    return node == base64.b64decode(case["root"] or "")


def test_a_verifier_without_the_size_gets_verdicts_wrong() -> None:
    files = sorted((shared_vectors("transparency-dev-merkle") / "inclusion").rglob("*.json"))
    cases = [json.loads(file.read_text()) for file in files]
    assert sum(climbs_without_size(case) == case["wantErr"] for case in cases) > 0
