"""The documents that leave the house: proof bundle and opening (docs/proofs.md has their schemas).

One canonical form: RFC 8785 bytes and a newline. Reading refuses whatever writing would not have written:
unknown or duplicate fields, another layout, base64 that is not canonical, trailing bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.core.checkpoint import SignedNote, decode_base64, encode_base64, parse_note
from lakehouse.core.digests import SALT_BYTES
from lakehouse.core.lineage import LineageRecord, parse_record
from lakehouse.core.proof import InclusionProof, decode_path, parse_proof
from lakehouse.errors import NotVerified

BUNDLE_SCHEMA = "livinglab/bundle/v1"
OPENING_SCHEMA = "livinglab/opening/v1"
LARGEST_DOCUMENT = 1 << 20
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierHead:
    """A checkpoint signed before the proof's, and the path that shows it is a beginning of it."""

    checkpoint: SignedNote
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDetails:
    """A record's details with the salt (32 bytes) under which the record commits to them."""

    value: Mapping[str, Any]
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBundle:
    """Everything an outsider needs beside the trust file. Holds no key and no value of a person."""

    record: LineageRecord
    proof: InclusionProof
    earlier: EarlierHead | None = None
    details: OpenedDetails | None = None

    def render(self) -> bytes:
        """Return the bytes of the bundle."""
        fields = {
            "schema": BUNDLE_SCHEMA,
            "record": self.record.public_fields(),
            "proof": self.proof.render(),
            "earlier": _earlier_fields(self.earlier),
            "details": _details_fields(self.details),
        }
        return canonical_json(fields) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What an auditor is handed for one leaf: the key of its file digest and its details.

    `leaf` is the leaf hash (hex) that it opens; `key` is null where the file digest is plain.
    """

    leaf: str
    key: bytes | None
    details: OpenedDetails

    def render(self) -> bytes:
        """Return the bytes of the opening."""
        fields = {
            "schema": OPENING_SCHEMA,
            "leaf": self.leaf,
            "key": None if self.key is None else encode_base64(self.key),
            "details": _details_fields(self.details),
        }
        return canonical_json(fields) + b"\n"


def parse_bundle(data: bytes) -> ProofBundle:
    """Return the bundle of a file; bytes that `render` would not write are `NotVerified`."""
    fields = _document(data, BUNDLE_SCHEMA, {"schema", "record", "proof", "earlier", "details"})
    bundle = ProofBundle(
        record=parse_record(canonical_json(fields["record"])),
        proof=parse_proof(_text(fields["proof"], "the proof")),
        earlier=_parse_earlier(fields["earlier"]),
        details=_parse_details(fields["details"]),
    )
    if bundle.render() != data:
        raise NotVerified("a bundle is not in canonical form")
    return bundle


def parse_opening(data: bytes) -> Opening:
    """Return the opening of a file; bytes that `render` would not write are `NotVerified`."""
    fields = _document(data, OPENING_SCHEMA, {"schema", "leaf", "key", "details"})
    key = fields["key"]
    details = _parse_details(fields["details"])
    if details is None:
        raise NotVerified("an opening has no details")
    opening = Opening(
        leaf=_text(fields["leaf"], "the leaf of an opening"),
        key=None if key is None else _sized(key, _KEY_BYTES, "the key of an opening"),
        details=details,
    )
    if opening.render() != data:
        raise NotVerified("an opening is not in canonical form")
    return opening


def _document(data: bytes, schema: str, names: set[str]) -> dict[str, Any]:
    if len(data) > LARGEST_DOCUMENT or not data.endswith(b"\n"):
        raise NotVerified(f"a document of {schema} is too long or cut off")
    fields = parse_canonical(data[:-1], f"a document of {schema}")
    if not isinstance(fields, dict) or fields.get("schema") != schema or set(fields) != names:
        raise NotVerified(f"a document has other fields than {schema}")
    return fields


def _earlier_fields(earlier: EarlierHead | None) -> dict[str, Any] | None:
    if earlier is None:
        return None
    path = [encode_base64(node) for node in earlier.path]
    return {"checkpoint": earlier.checkpoint.render(), "path": path}


def _parse_earlier(value: Any) -> EarlierHead | None:
    if value is None:
        return None
    fields = _members(value, {"checkpoint", "path"}, "earlier")
    if not isinstance(fields["path"], list):
        raise NotVerified("the path of an earlier checkpoint is not a list")
    path = decode_path([_text(node, "a hash of a path") for node in fields["path"]])
    return EarlierHead(checkpoint=parse_note(_text(fields["checkpoint"], "a checkpoint")), path=path)


def _details_fields(details: OpenedDetails | None) -> dict[str, Any] | None:
    return None if details is None else {"salt": encode_base64(details.salt), "value": dict(details.value)}


def _parse_details(value: Any) -> OpenedDetails | None:
    if value is None:
        return None
    fields = _members(value, {"salt", "value"}, "details")
    if not isinstance(fields["value"], dict):
        raise NotVerified("opened details are not an object")
    return OpenedDetails(value=fields["value"], salt=_sized(fields["salt"], SALT_BYTES, "a salt"))


def _members(value: Any, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise NotVerified(f"{what} has other fields than {', '.join(sorted(names))}")
    return value


def _sized(value: Any, size: int, what: str) -> bytes:
    data = decode_base64(_text(value, what), what)
    if len(data) != size:
        raise NotVerified(f"{what} has {len(data)} bytes instead of {size}")
    return data


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise NotVerified(f"{what} is not text")
    return value
