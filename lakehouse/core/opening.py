"""The opening of one leaf: private, for an auditor (docs/proofs.md has its schema)."""

import re
from dataclasses import dataclass
from typing import Any

from lakehouse.core.bundle import OpenedDetails, opened_fields, parse_opened
from lakehouse.core.checkpoint import encode_base64
from lakehouse.core.document_fields import (
    hex_digest,
    items,
    members,
    parse_document,
    render_document,
    sized_bytes,
    text,
)
from lakehouse.errors import NotVerified

OPENING_SCHEMA = "livinglab/opening/v1"
KEY_BYTES = 32
LARGEST_OPENING = 1 << 26
"""Bytes: half a million people's consents."""
_PSEUDONYM = re.compile(r"[0-9a-f]{32}", re.ASCII)
_BASES = ("record", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedConsent:
    """What permitted the use of one person's data: a consent `record`, or the `policy`'s default.

    `nonce` (32 bytes) opens the commitment to it under the record's consent root.
    """

    pseudonym: str
    basis: str
    nonce: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an auditor is handed for one leaf: the key of its file digest, its details, its consents.

    `leaf` is the leaf hash (hex) that it opens; `key` is null where the file digest is plain; `consents`
    is null where the record has no consent root, else one entry a person in the order of pseudonyms.
    """

    leaf: str
    key: bytes | None
    details: OpenedDetails
    consents: tuple[OpenedConsent, ...] | None = None

    def render(self) -> bytes:
        """Return the bytes of the opening."""
        fields = {
            "schema": OPENING_SCHEMA,
            "leaf": self.leaf,
            "key": None if self.key is None else encode_base64(self.key),
            "details": opened_fields(self.details),
            "consents": None if self.consents is None else _consent_fields(self.consents),
        }
        return render_document(fields)


def parse_opening(data: bytes) -> Opening:
    """Return the opening of a file; bytes that `render` would not write are `NotVerified`."""
    fields = parse_document(
        data, OPENING_SCHEMA, {"schema", "leaf", "key", "details", "consents"}, LARGEST_OPENING
    )
    key, consents = fields["key"], fields["consents"]
    opening = Opening(
        leaf=hex_digest(fields["leaf"], "the leaf of an opening").hex(),
        key=None if key is None else sized_bytes(key, KEY_BYTES, "the key of an opening"),
        details=parse_opened(fields["details"], "the details of an opening"),
        consents=None if consents is None else _parse_consents(consents),
    )
    if opening.render() != data:
        raise NotVerified("an opening is not in canonical form")
    return opening


def _consent_fields(consents: tuple[OpenedConsent, ...]) -> list[dict[str, str]]:
    return [
        {"pseudonym": one.pseudonym, "basis": one.basis, "nonce": encode_base64(one.nonce)}
        for one in sorted(consents, key=lambda one: one.pseudonym)
    ]


def _parse_consents(value: Any) -> tuple[OpenedConsent, ...]:
    consents = tuple(_parse_consent(one) for one in items(value, "the consents of an opening"))
    if len({one.pseudonym for one in consents}) != len(consents):
        raise NotVerified("an opening names a person twice")
    return consents


def _parse_consent(value: Any) -> OpenedConsent:
    fields = members(value, {"pseudonym", "basis", "nonce"}, "a consent")
    pseudonym, basis = text(fields["pseudonym"], "a pseudonym"), text(fields["basis"], "a basis")
    if not _PSEUDONYM.fullmatch(pseudonym) or basis not in _BASES:
        raise NotVerified(f"a consent has no pseudonym, or another basis than {' or '.join(_BASES)}")
    nonce = sized_bytes(fields["nonce"], KEY_BYTES, "the nonce of a consent")
    return OpenedConsent(pseudonym=pseudonym, basis=basis, nonce=nonce)
