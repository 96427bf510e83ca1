"""What `livinglab verify` and the one-file verifier say of the same bytes, in one form."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

from lakehouse.core.paper import unfold_document
from lakehouse.core.trust import parse_trust
from lakehouse.errors import NotVerified
from lakehouse.pipeline.verify import verify

FOLDER = Path(__file__).resolve().parents[2] / "verifier"
FILE = FOLDER / "livinglab_verify.py"

Said: TypeAlias = tuple[bool, dict[str, bool], object] | None
"""Verified, each step's verdict by name, and the record; None where there was nothing to check."""


def load_verifier() -> ModuleType:
    """Return a fresh copy of the one-file verifier, loaded from its file."""
    spec = importlib.util.spec_from_file_location("livinglab_verify", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said_by_platform(document: bytes, trust: bytes) -> Said:
    """Return the verdict of `livinglab verify`."""
    try:
        verdict = verify(unfold_document(document), parse_trust(trust))
    except NotVerified:
        return None
    record = verdict.record.public_fields() if verdict.record else None
    return verdict.verified, {check.name: check.ok for check in verdict.checks}, record


def said_by_file(verifier: ModuleType, document: bytes, trust: bytes) -> Said:
    """Return the verdict of the one-file verifier."""
    try:
        verdict = verifier.verify(document, trust)
    except verifier.REFUSALS:
        return None
    return verdict["verified"], {check["name"]: check["ok"] for check in verdict["checks"]}, verdict["record"]


def disagree(verifier: ModuleType, document: bytes, trust: bytes) -> bool:
    """Say whether the two answer differently; of a document that cannot be read both say only that."""
    here, there = said_by_platform(document, trust), said_by_file(verifier, document, trust)
    unreadable = here is not None and there is not None and not here[1]["schema"] and not there[1]["schema"]
    return here != there and not (unreadable and not here[0] and not there[0])
