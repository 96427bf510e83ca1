"""Turn the Delta commits of an intent into leaves: digests, record, entry (PROTOCOLS section 2)."""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.adapters.arrow_rows import canonical_rows, content_leaves, ordered_rows
from lakehouse.adapters.arrow_types import plain_types
from lakehouse.adapters.bronze_rows import PLACE_COLUMNS
from lakehouse.adapters.delta_log import Manifest, file_manifest, newest_version
from lakehouse.adapters.delta_tables import COMPACT
from lakehouse.adapters.spooled_rows import SpooledRows
from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.digests import file_digest, is_plain
from lakehouse.core.lineage import Version
from lakehouse.errors import Damaged
from lakehouse.pipeline.intents import DONE, staged_rows
from lakehouse.pipeline.log_records import Draft, add_entry, add_rows, draft_record, log_transaction
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.standing_leaves import (
    content_root,
    keep_leaves,
    leaves_of_others,
    standing_intents,
)
from lakehouse.pipeline.telling import tell_version
from lakehouse.pipeline.versions import as_version, require_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a new version holds: its content digest, the leaves that changed by person, how many rows."""

    digest: str
    leaves: Mapping[str, str]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """One table's new version with everything its leaf says."""

    table: str
    version: int
    content: Content
    manifest: Manifest
    replaces: bool
    draft: Draft


def sign_intent(site: Site, intent: Row, contents: Sequence[Content] | None = None) -> list[Version]:
    """Give every version of the intent its leaf, add the intent's registry rows and end it.

    `contents` of its tables, in the intent's order; made of their staged files where absent.
    """
    said = contents or contents_of(site, intent, staged_rows(site, intent))
    signed = [_sign_table(site, intent, *own) for own in zip(intent["tables"], said, strict=True)]
    with log_transaction(site) as tx:
        versions = [_add_version(tx, intent, own) for own in signed]
        add_rows(tx, intent["payload"]["rows"], _made(versions[0]))
        for table, key, values in intent["payload"].get("changes", ()):
            tx.change(table, key, **values)
        tx.change("intents", {"intent_id": intent["intent_id"]}, state=DONE, payload={}, tables=[])
    for version, own in zip(versions, signed, strict=True):
        tell_version(site, str(intent["verb"]), version, own.draft.details)
    return versions


def _made(version: Version) -> dict[str, object]:
    """Return what registry rows that leave it null take from the intent's first table."""
    return {
        "version": version.version,
        "leaf_index": version.leaf,
        "intent_id": version.intent,
        "content_digest": version.content_digest,
    }


def _sign_table(site: Site, intent: Row, table: Mapping[str, object], content: Content) -> _Signed:
    name, base = str(table["table"]), int(str(table["base"]))
    folder = site.lake.folder_of(name)
    version = newest_version(folder)
    if version != base + 1:
        raise Damaged(f"{name} is at Delta version {version}, expected {base + 1}", remedy="livinglab fsck")
    manifest = file_manifest(folder, version, _known_digests(site, name))
    details = {**table["details"], "rows": content.rows}  # type: ignore[dict-item]
    draft = draft_record(
        site,
        kind=str(table["kind"]),
        table=name,
        version=version,
        intent=intent["intent_id"],
        digests={"content": content.digest, "file": file_digest(manifest, file_opening(site, name, version))},
        inputs=intent["payload"]["inputs"],
        consent_root=intent["payload"]["consent_root"],
        details=details,
        ref=f"{name}@{version}",
        statements=table["statements"],  # type: ignore[arg-type]
    )
    return _Signed(
        table=name,
        version=version,
        content=content,
        manifest=manifest,
        replaces=table["mode"] == "overwrite",
        draft=draft,
    )


def contents_of(
    site: Site,
    intent: Row,
    rows: Sequence[pa.Table | SpooledRows],
    known_keys: Mapping[str, bytes] | None = None,
) -> list[Content]:
    """Return what the intent's next versions hold of `rows`, in its order: before their commit or after it.

    A table whose files are joined is read at its new version. `known_keys`: digest keys of subjects, those
    that the caller has already.
    """
    return [
        _content_of(site, intent["intent_id"], *own, known_keys or {})
        for own in zip(intent["tables"], rows, strict=True)
    ]


def _content_of(
    site: Site,
    intent: str,
    table: Mapping[str, object],
    rows: pa.Table | SpooledRows,
    known_keys: Mapping[str, bytes],
) -> Content:
    name, base, mode = str(table["table"]), int(str(table["base"])), table["mode"]
    if mode == COMPACT:
        return _same_content(site, name, base + 1)
    appended = mode == "append"
    total = len(rows) + (_rows_before(site, name) if appended else 0)
    if not table["by_subject"]:
        return Content(digest=plain_content(_in_memory(rows)), leaves={}, rows=total)
    leaves: dict[str, str] = {}
    keys = {**known_keys, **_nobodys_key(site, name)}
    for portion in rows.by_person() if isinstance(rows, SpooledRows) else [rows]:
        leaves |= _leaves(site, intent, name, portion, base if appended else -1, keys)
    digest = _standing_root(site, name, leaves, appended)
    return Content(digest=digest, leaves=leaves, rows=total)


def _in_memory(rows: pa.Table | SpooledRows) -> pa.Table:
    return plain_types(pq.read_table(rows.path)) if isinstance(rows, SpooledRows) else rows


def _same_content(site: Site, table: str, version: int) -> Content:
    """Return what the version before had; Damaged where the rows of this one are others."""
    before = require_version(site, table)
    if recompute_content(site, replace(before, version=version)) != before.content_digest:
        raise Damaged(
            f"{table}@{version} does not hold the rows of version {before.version}",
            remedy="restore the table from a backup of this home",
        )
    return Content(digest=before.content_digest, leaves={}, rows=before.rows)


def file_opening(site: Site, table: str, version: int) -> bytes | None:
    """Return the key under which a version's file digest stands; gold and drafts of it are plain."""
    if is_plain(table):
        return None
    return site.vault.table_key(f"file/{table}/{version}")


def plain_content(rows: pa.Table) -> str:
    """Return the SHA-256 of a table without subjects, rows in the order of all columns, in hex."""
    digest = hashlib.sha256()
    for piece in canonical_rows(ordered_rows(rows, sorted(rows.column_names))):
        digest.update(piece)
    return digest.hexdigest()


def _leaves(
    site: Site, intent: str, table: str, rows: pa.Table, base: int, known_keys: Mapping[str, bytes]
) -> dict[str, str]:
    """Return the leaves of the subjects in `rows`, with all rows each of them has in the table."""
    pseudonyms = {name or "" for name in rows.column("subject").unique().to_pylist()}
    whole = rows
    if base >= 0:
        earlier = site.lake.read_subjects(table, base, pseudonyms)
        whole = pa.concat_tables([earlier, rows], promote_options="default") if len(earlier) else rows
    return content_leaves(
        whole,
        content_keys(whole.column_names),
        table=table,
        intents=dict.fromkeys(pseudonyms, intent),
        digest_keys=_keys_of(site, pseudonyms, known_keys),
    )


def _keys_of(
    site: Site, pseudonyms: AbstractSet[str], known_keys: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """Return the digest keys of at least these subjects; only those that are not known are looked up."""
    missing = pseudonyms - known_keys.keys()
    return {**known_keys, **site.vault.subject_keys(missing, "digest")} if missing else known_keys


def _nobodys_key(site: Site, table: str) -> dict[str, bytes]:
    """Return under the empty name the digest key of a table's rows without a subject."""
    return {"": site.vault.table_key(f"rows/{table}")}


def _known_digests(site: Site, table: str) -> dict[str, str]:
    with site.registry.reading() as tx:
        newest = tx.many("versions", table_name=table, order="version", newest=1)
    return dict(newest[0]["manifest"]) if newest else {}


def _rows_before(site: Site, table: str) -> int:
    with site.registry.reading() as tx:
        newest = tx.many("versions", table_name=table, order="version", newest=1)
    return int(newest[0]["rows"]) if newest else 0


def _standing_root(site: Site, table: str, changed: Mapping[str, str], appended: bool) -> str:
    """Return the root over the leaves of everybody in the table once `changed` are in it."""
    if not appended:
        return content_root(changed.values())
    with site.registry.reading() as tx:
        return content_root(chain(leaves_of_others(tx, table, changed), changed.values()))


def _add_version(tx: Transaction, intent: Row, signed: _Signed) -> Version:
    record = signed.draft.record
    index = add_entry(tx, signed.draft)
    row = {
        "table_name": signed.table,
        "version": signed.version,
        "intent_id": intent["intent_id"],
        "kind": record.kind,
        "leaf_index": index,
        "rows": signed.content.rows,
        "file_digest": record.digests["file"],
        "content_digest": record.digests["content"],
        "run_key": intent["run_key"],
        "inputs": list(record.inputs),
        "record": record.public_bytes().decode(),
        "details": signed.draft.details,
        "salt": signed.draft.salt.hex(),
        "manifest": [list(pair) for pair in signed.manifest],
        "statements": signed.draft.statements,
        "created_at": record.time,
    }
    tx.add("versions", **row)
    keep_leaves(tx, signed.table, intent["intent_id"], signed.content.leaves, replaces=signed.replaces)
    return as_version(row)


def recompute_content(site: Site, version: Version) -> str:
    """Return the content digest of a table's newest version, made anew from its stored rows."""
    if is_plain(version.table) or "subject" not in site.lake.columns(version.table, version.version):
        return plain_content(site.lake.read(version.table, version.version))
    with site.registry.reading() as tx:
        intents = standing_intents(tx, version.table)
    nobodys = _nobodys_key(site, version.table)
    made: dict[str, str] = {}
    for rows in site.lake.people_portions(version.table, version.version):
        pseudonyms = {name or "" for name in rows.column("subject").unique().to_pylist()}
        if pseudonyms - set(intents):
            raise Damaged(
                f"{version.table} holds people whom no leaf names, {len(pseudonyms - set(intents))} at least",
                remedy="livinglab fsck",
            )
        made |= content_leaves(
            rows,
            content_keys(rows.column_names),
            table=version.table,
            intents=intents,
            digest_keys=_keys_of(site, pseudonyms, nobodys),
        )
    return content_root(made.values())


def content_keys(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that order a subject's rows: the place in the input (bronze), else all columns."""
    if set(PLACE_COLUMNS) <= set(columns) and "reason" not in columns:
        return PLACE_COLUMNS
    return tuple(sorted(columns))
