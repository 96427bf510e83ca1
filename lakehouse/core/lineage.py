"""What the log says of one step: the record whose canonical bytes are a leaf (PROTOCOLS, section 2).

The public part holds no identifier, no plain hash of one and no count: those are `details`, which only
`details_commitment` binds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.core.canonical import LARGEST_NUMBER, canonical_json, is_timestamp, parse_canonical
from lakehouse.core.digests import commit_details, is_digest
from lakehouse.errors import NotVerified, WrongUse

__all__ = ["KINDS", "SCHEMA", "TABLE_KINDS", "LineageRecord", "Version", "commit_details", "parse_record"]

SCHEMA = "livinglab/record/v1"
TABLE_KINDS = frozenset({"create", "write", "delete", "optimise", "vacuum_start", "vacuum_end", "draft"})
"""Kinds that speak of one Delta version."""
KINDS = TABLE_KINDS | {"answer", "decision", "model", "release", "erasure", "consent", "trust"}

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,127})?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_IDENTIFIER = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One signed version of one table."""

    table: str
    version: int
    rows: int
    kind: str
    intent: str
    file_digest: str
    content_digest: str
    leaf: int
    run_key: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageRecord:
    """The public part of a record. Digests are lower-case hex SHA-256 or HMAC-SHA256, by name.

    `inputs` and `supersedes` are leaf indexes. `table` and `version` are null where the step wrote none.
    """

    kind: str
    table: str | None = None
    version: int | None = None
    intent: str | None = None
    digests: Mapping[str, str]
    inputs: tuple[int, ...] = ()
    policy_digest: str
    code_version: str
    consent_root: str | None = None
    vault_counter: int
    supersedes: int | None = None
    time: str
    details_commitment: str

    def __post_init__(self) -> None:
        problem = _problem_of(self)
        if problem:
            raise WrongUse(f"a lineage record cannot be made: {problem}")

    def public_fields(self) -> dict[str, Any]:
        """Return the public part as JSON values, its schema included."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "table": self.table,
            "version": self.version,
            "intent": self.intent,
            "digests": dict(self.digests),
            "inputs": list(self.inputs),
            "policy_digest": self.policy_digest,
            "code_version": self.code_version,
            "consent_root": self.consent_root,
            "vault_counter": self.vault_counter,
            "supersedes": self.supersedes,
            "time": self.time,
            "details_commitment": self.details_commitment,
        }

    def public_bytes(self) -> bytes:
        """Return the canonical bytes: the entry of the log."""
        return canonical_json(self.public_fields())


_FIELDS = frozenset(LineageRecord.__dataclass_fields__)


def parse_record(data: bytes) -> LineageRecord:
    """Return the record of an entry; bytes that `public_bytes` would not write are `NotVerified`."""
    fields = parse_canonical(data, "a lineage record")
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise NotVerified(f"a lineage record is not of the schema {SCHEMA}")
    members: dict[str, Any] = {name: value for name, value in fields.items() if name != "schema"}
    if set(members) != _FIELDS:
        raise NotVerified("a lineage record has other fields than its schema")
    if not isinstance(members["digests"], dict) or not isinstance(members["inputs"], list):
        raise NotVerified("a lineage record holds a field of another type")
    try:
        record = LineageRecord(**{**members, "inputs": tuple(members["inputs"])})
    except WrongUse as error:
        raise NotVerified(error.message) from error
    return record


def _problem_of(record: LineageRecord) -> str | None:  # noqa: PLR0911 one return a rule
    """Return the first rule that the public part breaks."""
    if not isinstance(record.kind, str) or record.kind not in KINDS:
        return f"unknown kind, known: {', '.join(sorted(KINDS))}"
    if (record.kind in TABLE_KINDS) != (record.version is not None):
        return "a table version has a version number, nothing else has one"
    if record.table is not None and not _matches(_TABLE, record.table):
        return "table is not of the form layer.table"
    if record.intent is not None and not _matches(_IDENTIFIER, record.intent):
        return "intent is not an identifier"
    if not _matches(_IDENTIFIER, record.code_version):
        return "code_version is not an identifier"
    if not all(_matches(_NAME, name) and is_digest(digest) for name, digest in record.digests.items()):
        return "a digest is not 64 lower-case hex digits under a plain name"
    optional_numbers = [number for number in (record.version, record.supersedes) if number is not None]
    if not all(_is_count(number) for number in [*record.inputs, record.vault_counter, *optional_numbers]):
        return "a leaf index, version or counter is not a whole number from 0"
    roots = [record.policy_digest, record.details_commitment]
    roots += [] if record.consent_root is None else [record.consent_root]
    if not all(is_digest(root) for root in roots):
        return "policy_digest, consent_root or details_commitment is not 64 lower-case hex digits"
    if not isinstance(record.time, str) or not is_timestamp(record.time):
        return "time is not RFC 3339 in UTC to the second"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
