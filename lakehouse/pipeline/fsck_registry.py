"""registry.db against the log: rows and their MACs, entries, records, heads, and the files of registry/."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.canonical import digest_json
from lakehouse.core.checkpoint import parse_checkpoint, parse_note, verify_note
from lakehouse.core.digests import SALT_BYTES, commit_details
from lakehouse.core.lineage import TABLE_KINDS, LineageRecord, parse_record
from lakehouse.core.merkle import leaf_hash, roots_by_size
from lakehouse.core.privacy_statement import CONSENTS, ERASURE, PRIVACY
from lakehouse.errors import NotVerified, WrongUse
from lakehouse.pipeline.log_records import kept_lines
from lakehouse.pipeline.site import Site

STATED = {PRIVACY, CONSENTS, ERASURE}
TABLES_READ = (
    "versions", "entries", "records", "checkpoints", "cosignatures", "intents", "answers", "decisions",
    "models", "releases",
)  # fmt: skip


Advance = Callable[[int], None]
"""Takes the steps that a check is further."""


def do_nothing(_steps: int) -> None:
    """Take steps where nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One disagreement: what kind, and where. Never a value of a person."""

    kind: str
    place: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of registry.db that fsck compares, read in one transaction, by table.

    `records` holds each entry's record by its text, None where it cannot be parsed: a record is parsed once.
    """

    rows: Mapping[str, list[Row]]
    records: Mapping[str, LineageRecord | None]

    def of(self, table: str) -> list[Row]:
        """Return the rows of one table in key order."""
        return self.rows[table]

    def record_of(self, row: Row) -> LineageRecord | None:
        """Return the record of a row of `versions` or `records`, None where it is no entry's."""
        return self.records.get(row["record"])


def read_snapshot(site: Site) -> Snapshot:
    """Return one consistent state of the registry; Damaged where a row cannot be parsed."""
    with site.registry.reading(believed=False) as tx:
        rows = {table: tx.many(table) for table in TABLES_READ}
    return Snapshot(rows, {row["entry"]: _parsed(row["entry"]) for row in rows["entries"]})


def _parsed(entry: object) -> LineageRecord | None:
    try:
        return parse_record(str(entry).encode())
    except NotVerified:
        return None


def check_rows(site: Site) -> Iterator[Finding]:
    """Check the MAC of every row and the seal of every table."""
    for table, key, problem in site.registry.check():
        yield Finding(kind=f"registry: {problem}", place=f"registry.db {table} {key}".rstrip())


def check_log(site: Site, snapshot: Snapshot, advance: Advance = do_nothing) -> Iterator[Finding]:
    """Check entries against leaf hashes, registry/ byte for byte, and every head that was signed."""
    rows = snapshot.of("entries")
    entries = [str(row["entry"]).encode() for row in rows]
    for number, row in enumerate(rows):
        if row["leaf_index"] != number or row["leaf_hash"] != leaf_hash(entries[number]).hex():
            yield Finding(kind="entry is not its leaf", place=f"registry.db entries {row['leaf_index']}")
    carried = [row for row in snapshot.of("cosignatures") if row["size"] == len(entries)]
    for found in site.log.check(entries, kept_lines(carried)):
        yield Finding(kind=found.kind, place=f"registry/{found.place}")
    roots = [b"", *roots_by_size(leaf_hash(entry) for entry in entries)]
    for row in snapshot.of("checkpoints"):
        advance(1)
        if not _is_head(site, row, roots):
            yield Finding(
                kind="signed head is not one of this log", place=f"registry.db checkpoints {row['size']}"
            )


def _is_head(site: Site, row: Row, roots: list[bytes]) -> bool:
    try:
        note = parse_note(str(row["note"]))
        head = parse_checkpoint(note.text)
        verify_note(note, site.log.trust.log, verify_signature)
    except NotVerified:
        return False
    known = 0 < head.size < len(roots) and head.root == roots[head.size]
    return known and (head.origin, head.size, head.root.hex()) == (
        site.log.trust.origin,
        row["size"],
        row["root"],
    )


def check_records(snapshot: Snapshot, advance: Advance = do_nothing) -> Iterator[Finding]:
    """Check that each entry has one record, and each record its entry, its details and its fields."""
    entries = {row["leaf_index"]: row for row in snapshot.of("entries")}
    owned: set[int] = set()
    for table in ("versions", "records"):
        for row in snapshot.of(table):
            advance(1)
            place = f"registry.db {table} leaf {row['leaf_index']}"
            entry = entries.get(row["leaf_index"])
            if entry is None or entry["entry"] != row["record"] or row["leaf_index"] in owned:
                yield Finding(kind="record is not its entry", place=place)
                continue
            owned.add(row["leaf_index"])
            problem = _record_problem(table, row, snapshot.record_of(row))
            if problem:
                yield Finding(kind=problem, place=place)
    for index in sorted(entries.keys() - owned):
        yield Finding(kind="entry without a record", place=f"registry.db entries {index}")


def _record_problem(table: str, row: Row, record: LineageRecord | None) -> str | None:
    if record is None:
        return "record cannot be parsed"
    if not _commits_to(record, row):
        return "details are not those committed to"
    if not _states(record, row):
        return "statements are not those committed to"
    fields = _version_fields(record) if table == "versions" else _record_fields(record)
    counted = table == "records" or row["details"].get("rows") == row["rows"]
    if not counted or any(row[name] != value for name, value in fields.items()):
        return "row differs from its record"
    return None


def _commits_to(record: LineageRecord, row: Row) -> bool:
    try:
        salt = bytes.fromhex(row["salt"])
        return len(salt) == SALT_BYTES and commit_details(row["details"], salt) == record.details_commitment
    except (ValueError, TypeError, WrongUse):
        return False


def _states(record: LineageRecord, row: Row) -> bool:
    """Say whether each statement kept is one that the record commits to, and none is missing."""
    try:
        made = {
            name: commit_details(kept["value"], bytes.fromhex(kept["salt"]))
            for name, kept in row["statements"].items()
        }
    except (AttributeError, KeyError, ValueError, TypeError, WrongUse):
        return False
    return made.items() <= record.digests.items() and made.keys() >= STATED & record.digests.keys()


def _record_fields(record: LineageRecord) -> dict[str, Any]:
    return {"kind": record.kind, "inputs": list(record.inputs), "created_at": record.time}


def _version_fields(record: LineageRecord) -> dict[str, Any]:
    return {
        **_record_fields(record),
        "table_name": record.table,
        "version": record.version,
        "intent_id": record.intent,
        "file_digest": record.digests.get("file"),
        "content_digest": record.digests.get("content"),
    }


def check_statements(snapshot: Snapshot) -> Iterator[Finding]:
    """Check that answers, decisions, models and releases are what their leaves say."""
    leaves = {row["leaf_index"]: row for table in ("versions", "records") for row in snapshot.of(table)}
    for table, is_stated in STATEMENTS.items():
        for row in snapshot.of(table):
            leaf = leaves.get(row["leaf_index"])
            digests = _digests_of(snapshot, leaf)
            if row["leaf_index"] is not None and (leaf is None or not is_stated(row, leaf, digests)):
                place = f"registry.db {table} leaf {row['leaf_index']}"
                yield Finding(kind="row is not what its leaf says", place=place)


def _is_answer(row: Row, leaf: Row, digests: Mapping[str, str]) -> bool:
    try:
        made = {"question": row["question_digest"], "answer": digest_json(row["answer"])}
    except WrongUse:
        return False
    return leaf["kind"] == "answer" and made.items() <= digests.items()


def _is_decision(row: Row, leaf: Row, _digests: Mapping[str, str]) -> bool:
    told = {"release": row["release_id"], "decision": row["decision"], "reason": row["reason"]}
    details = leaf["details"]
    return leaf["kind"] == "decision" and isinstance(details, dict) and told.items() <= details.items()


def _is_model(row: Row, leaf: Row, digests: Mapping[str, str]) -> bool:
    return bool(leaf["kind"] == "model" and digests.get("model") == row["digest"])


def _is_release(row: Row, leaf: Row, _digests: Mapping[str, str]) -> bool:
    """A release is a version of its table, or a record of its own where nothing was written."""
    if leaf["kind"] == "release":
        return row["content_digest"] is None
    return bool(leaf["kind"] in TABLE_KINDS and leaf["content_digest"] == row["content_digest"])


def _digests_of(snapshot: Snapshot, leaf: Row | None) -> Mapping[str, str]:
    record = snapshot.record_of(leaf) if leaf else None
    return record.digests if record else {}


STATEMENTS: Mapping[str, Callable[[Row, Row, Mapping[str, str]], bool]] = {
    "answers": _is_answer,
    "decisions": _is_decision,
    "models": _is_model,
    "releases": _is_release,
}
