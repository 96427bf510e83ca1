"""The proof bundle, the document that leaves the house (docs/proofs.md has its schema).

One canonical form; reading refuses whatever writing would not have written (`core.document_fields`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import SignedNote, decode_base64, encode_base64, parse_note
from lakehouse.core.digests import SALT_BYTES
from lakehouse.core.document_fields import (
    count,
    hash_path,
    hex_digest,
    items,
    members,
    parse_document,
    path_fields,
    render_document,
    sized_bytes,
    text,
)
from lakehouse.core.lineage import LineageRecord, parse_record
from lakehouse.core.proof import InclusionProof, parse_proof
from lakehouse.errors import NotVerified

BUNDLE_SCHEMA = "livinglab/bundle/v1"
LARGEST_TOKEN = 16_384
_FIELDS = (
    "schema",
    "record",
    "proof",
    "before",
    "earlier",
    "details",
    "statements",
    "content",
    "time_stamps",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierHead:
    """A checkpoint of fewer leaves than the proof's, and the path that shows it is a beginning of it."""

    checkpoint: SignedNote
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDetails:
    """A value with the salt (32 bytes) under which a record commits to it: its details, or a statement."""

    value: Mapping[str, Any]
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLeaf:
    """One person's leaf in a version's content tree: its value (32 bytes), place, and audit path."""

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamp:
    """The token (RFC 3161, DER) of an authority of the trust file over the checkpoint's text."""

    authority: str
    token: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBundle:
    """Everything an outsider needs beside the trust file. Holds no key and no value of a person.

    before: a head signed before the leaf stood; earlier: the first head signed once it stood.
    `statements` are opened by the name of their commitment among the record's digests.
    """

    record: LineageRecord
    proof: InclusionProof
    before: EarlierHead | None = None
    earlier: EarlierHead | None = None
    details: OpenedDetails | None = None
    statements: Mapping[str, OpenedDetails] = field(default_factory=dict)
    content: ContentLeaf | None = None
    time_stamps: tuple[TimeStamp, ...] = ()

    def render(self) -> bytes:
        """Return the bytes of the bundle; time stamps in the order of their authorities' names."""
        stamps = sorted(self.time_stamps, key=lambda stamp: stamp.authority)
        fields = {
            "schema": BUNDLE_SCHEMA,
            "record": self.record.public_fields(),
            "proof": self.proof.render(),
            "before": _head_fields(self.before, self.proof.path),
            "earlier": _head_fields(self.earlier, self.proof.path),
            "details": None if self.details is None else opened_fields(self.details),
            "statements": {name: opened_fields(opened) for name, opened in self.statements.items()},
            "content": _content_fields(self.content),
            "time_stamps": [
                {"authority": stamp.authority, "token": encode_base64(stamp.token)} for stamp in stamps
            ],
        }
        return render_document(fields)


def parse_bundle(data: bytes) -> ProofBundle:
    """Return the bundle of a file; bytes that `render` would not write are `NotVerified`."""
    fields = parse_document(data, BUNDLE_SCHEMA, _FIELDS)
    details, content = fields["details"], fields["content"]
    proof = parse_proof(text(fields["proof"], "the proof"))
    bundle = ProofBundle(
        record=parse_record(canonical_json(fields["record"])),
        proof=proof,
        before=_parse_head(fields["before"], "before", proof.path),
        earlier=_parse_head(fields["earlier"], "earlier", proof.path),
        details=None if details is None else parse_opened(details, "details"),
        statements=_parse_statements(fields["statements"]),
        content=None if content is None else _parse_content(content),
        time_stamps=_parse_stamps(fields["time_stamps"]),
    )
    if bundle.render() != data:
        raise NotVerified("a bundle is not in canonical form")
    return bundle


def opened_fields(opened: OpenedDetails) -> dict[str, Any]:
    """Return {salt, value} as documents hold them."""
    return {"salt": encode_base64(opened.salt), "value": dict(opened.value)}


def parse_opened(value: Any, what: str) -> OpenedDetails:
    """Return what {salt, value} opens."""
    fields = members(value, {"salt", "value"}, what)
    if not isinstance(fields["value"], dict):
        raise NotVerified(f"{what} is not an object")
    return OpenedDetails(value=fields["value"], salt=sized_bytes(fields["salt"], SALT_BYTES, "a salt"))


def _head_fields(head: EarlierHead | None, known: Sequence[bytes]) -> dict[str, Any] | None:
    """Return the fields of an earlier head; a hash that the inclusion path has too is its number there."""
    if head is None:
        return None
    path = [known.index(node) if node in known else encode_base64(node) for node in head.path]
    return {"checkpoint": head.checkpoint.render(), "path": path}


def _parse_head(value: Any, what: str, known: Sequence[bytes]) -> EarlierHead | None:
    if value is None:
        return None
    fields = members(value, {"checkpoint", "path"}, what)
    note = parse_note(text(fields["checkpoint"], "a checkpoint"))
    written = [
        encode_base64(_numbered(node, known, what)) if isinstance(node, int) else node
        for node in items(fields["path"], f"the path of {what}")
    ]
    return EarlierHead(checkpoint=note, path=hash_path(written, f"the path of {what}"))


def _numbered(number: int, known: Sequence[bytes], what: str) -> bytes:
    if isinstance(number, bool) or not 0 <= number < len(known):
        raise NotVerified(f"the path of {what} names a hash that the inclusion path has not")
    return known[number]


def _parse_statements(value: Any) -> dict[str, OpenedDetails]:
    if not isinstance(value, dict):
        raise NotVerified("statements are not an object")
    statements = {name: parse_opened(opened, "a statement") for name, opened in value.items()}
    if not all(isinstance(opened.value.get("schema"), str) for opened in statements.values()):
        raise NotVerified("a statement does not name its schema")
    return statements


def _content_fields(content: ContentLeaf | None) -> dict[str, Any] | None:
    if content is None:
        return None
    path = path_fields(content.path)
    return {"leaf": content.leaf.hex(), "index": content.index, "size": content.size, "path": path}


def _parse_content(value: Any) -> ContentLeaf:
    fields = members(value, {"leaf", "index", "size", "path"}, "content")
    return ContentLeaf(
        leaf=hex_digest(fields["leaf"], "the leaf of content"),
        index=count(fields["index"], "the index of content"),
        size=count(fields["size"], "the size of content"),
        path=hash_path(fields["path"], "the path of content"),
    )


def _parse_stamps(value: Any) -> tuple[TimeStamp, ...]:
    stamps = tuple(_parse_stamp(stamp) for stamp in items(value, "time_stamps"))
    if len({stamp.authority for stamp in stamps}) != len(stamps):
        raise NotVerified("two time stamps are of one authority")
    return stamps


def _parse_stamp(value: Any) -> TimeStamp:
    fields = members(value, {"authority", "token"}, "a time stamp")
    token = decode_base64(text(fields["token"], "a time stamp"), "a time stamp")
    if not 0 < len(token) <= LARGEST_TOKEN:
        raise NotVerified(f"a time stamp has {len(token)} bytes, at most {LARGEST_TOKEN}")
    return TimeStamp(authority=text(fields["authority"], "the authority of a time stamp"), token=token)
