"""Put records into the log: index, entry, tiles, checkpoint, in that order and under one lock.

PROTOCOLS sections 2 and 3. A crash between the registry and the tiles is repaired by `publish_log`.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from lakehouse.adapters.sql_registry import Transaction
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import NoteSignature, parse_note
from lakehouse.core.digests import SALT_BYTES, commit_details
from lakehouse.core.lineage import LineageRecord, parse_record
from lakehouse.core.merkle import leaf_hash
from lakehouse.errors import Damaged, NotVerified
from lakehouse.pipeline.log_clock import log_now, require_clock
from lakehouse.pipeline.outside_heads import require_newest_home
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.telling import tell_record

LOG_LOCK = "log"

RegistryRows: TypeAlias = Mapping[str, Sequence[Mapping[str, object]]]
"""Rows to be added to registry.db, by table."""
RegistryChange: TypeAlias = tuple[str, Mapping[str, object], Mapping[str, object]]
"""A change to rows of registry.db: table, key, values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record with what it commits to: details stay in the registry, statements may be opened in a proof.

    `statements` holds {digest name: {"salt": hex, "value": …}} as the registry keeps them.
    """

    record: LineageRecord
    details: Mapping[str, object]
    salt: bytes
    ref: str
    statements: Mapping[str, Mapping[str, object]]


def draft_record(
    site: Site,
    *,
    kind: str,
    digests: Mapping[str, str],
    details: Mapping[str, object],
    ref: str,
    table: str | None = None,
    version: int | None = None,
    intent: str | None = None,
    inputs: Sequence[int] = (),
    consent_root: str | None = None,
    supersedes: int | None = None,
    statements: Mapping[str, Mapping[str, object]] | None = None,
) -> Draft:
    """Return a record of what the site does now, its details committed to with a fresh salt.

    Each of `statements` has a salt of its own, and its commitment among the record's digests.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    told = {**details, "actor": site.actor.as_json(), "run": site.run}
    salts = {name: secrets.token_bytes(SALT_BYTES) for name in statements or {}}
    stated = {name: commit_details(value, salts[name]) for name, value in (statements or {}).items()}
    record = LineageRecord(
        kind=kind,
        table=table,
        version=version,
        intent=intent,
        digests={**digests, **stated},
        inputs=tuple(inputs),
        policy_digest=site.policy.digest,
        code_version=site.code_version,
        consent_root=consent_root,
        vault_counter=require_current_home(site),
        supersedes=supersedes,
        time=timestamp(log_now(site)),
        details_commitment=commit_details(told, salt),
    )
    kept = {name: {"salt": salts[name].hex(), "value": value} for name, value in (statements or {}).items()}
    return Draft(record=record, details=told, salt=salt, ref=ref, statements=kept)


def require_current_home(site: Site) -> int:
    """Return the vault's counter; Damaged where this home is an older copy, of the vault or as a whole.

    Whoever signs calls this first: what an older copy signs would be a second history under our key.
    """
    require_newest_home(site)
    return require_current_vault(site)


def require_current_vault(site: Site) -> int:
    """Return the vault's counter; Damaged where the log has seen a later one: the vault is an old copy.

    An old vault has lost people and keys that the lake rests on, so nothing may be written beside it.
    Unavailable where the clock lies before the newest record (`log_clock`).
    """
    counter = site.vault.counter()
    with site.registry.reading() as tx:
        newest = tx.many("entries", newest=1)
    if not newest:
        return counter
    record = parse_record(newest[0]["entry"].encode())
    seen = record.vault_counter
    if counter < seen:
        raise Damaged(
            f"the vault has counted {counter} changes, the log has seen {seen}: the vault is an older copy",
            remedy="restore the vault.db that belongs to this log",
        )
    require_clock(site.clock(), datetime.fromisoformat(record.time))
    return counter


@contextmanager
def log_transaction(site: Site) -> Iterator[Transaction]:
    """Yield a registry transaction in which entries may be added; afterwards the log is published."""
    with site.locks.hold([LOG_LOCK]):
        with site.registry.transaction() as tx:
            yield tx
            site.locks.require_held()
        publish_log(site)


def add_entry(tx: Transaction, draft: Draft) -> int:
    """Give the record the next leaf index and return it; only inside `log_transaction`."""
    index = tx.count("entries")
    entry = draft.record.public_bytes()
    tx.add(
        "entries",
        leaf_index=index,
        entry=entry.decode(),
        leaf_hash=leaf_hash(entry).hex(),
        kind=draft.record.kind,
        ref=draft.ref,
    )
    return index


def log_record(
    site: Site,
    draft: Draft,
    *,
    rows: RegistryRows | None = None,
    changes: Sequence[RegistryChange] = (),
) -> int:
    """Log a record that is no Delta version (answer, decision, model) and return its leaf index.

    `rows` are registry rows added, `changes` (table, key, values) made in the same transaction; a null
    `leaf_index` in a row becomes the record's own.
    """
    with log_transaction(site) as tx:
        index = add_entry(tx, draft)
        add_record(tx, index, draft)
        add_rows(tx, rows or {}, {"leaf_index": index})
        for name, key, values in changes:
            tx.change(name, key, **values)
    tell_record(site, draft.record.kind, index)
    return index


def add_rows(tx: Transaction, rows: RegistryRows, made: Mapping[str, object]) -> None:
    """Add registry rows; a null under a name in `made` becomes what was made."""
    for table, own in rows.items():
        tx.add_all(
            table,
            (
                {name: made.get(name) if value is None else value for name, value in row.items()}
                for row in own
            ),
        )


def add_record(tx: Transaction, index: int, draft: Draft) -> None:
    """Add the registry's row of a record that is no Delta version; `index` is what `add_entry` gave."""
    tx.add(
        "records",
        leaf_index=index,
        kind=draft.record.kind,
        ref=draft.ref,
        record=draft.record.public_bytes().decode(),
        salt=draft.salt.hex(),
        details=draft.details,
        inputs=list(draft.record.inputs),
        statements=draft.statements,
        created_at=draft.record.time,
    )


def publish_log(site: Site) -> None:
    """Bring tiles and checkpoint up to the registry's entries.

    Damaged where the log is ahead of them, or behind a head that was kept once it was signed.
    """
    with site.locks.hold([LOG_LOCK]):
        size = site.log.size()
        with site.registry.reading() as tx:
            total = tx.count("entries")
            _require_same_age(size, total, tx.largest("checkpoints", "size") or 0)
            newer = (
                [row["entry"].encode() for row in tx.many("entries", newest=total - size)]
                if total > size
                else []
            )
            kept = total == 0 or tx.one("checkpoints", size=total) is not None
        if newer:
            site.log.extend(newer, size)
        if not kept:
            _keep_checkpoint(site, total)
        carry_cosignatures(site)


def carry_cosignatures(site: Site) -> None:
    """Let registry/checkpoint carry the cosignatures kept for its head; mends what a killed process left."""
    with site.locks.hold([LOG_LOCK]):
        size = site.log.size()
        with site.registry.reading() as tx:
            rows = tx.many("cosignatures", size=size, order="witness")
        if rows:
            site.log.cosign(size, kept_lines(rows))


def kept_lines(rows: Sequence[Mapping[str, object]]) -> list[NoteSignature]:
    """Return the cosignature lines of rows of `cosignatures`; one that cannot be read is left to fsck."""
    lines: list[NoteSignature] = []
    for row in rows:
        try:
            lines += parse_note(f"-\n\n{row['line']}\n").signatures
        except NotVerified:
            continue
    return lines


def _require_same_age(size: int, total: int, kept: int) -> None:
    """Raise Damaged where registry/ or registry.db is an older copy: a log never becomes shorter."""
    if size > total:
        raise Damaged(
            f"the log has {size} entries, registry.db {total}: registry.db is an older copy",
            remedy="restore the registry.db that belongs to this log",
        )
    if size < kept:
        raise Damaged(
            f"the log has {size} entries, a head of {kept} was signed: registry/ is an older copy",
            remedy="restore the registry/ that belongs to this home",
            place="registry/checkpoint",
        )


def _keep_checkpoint(site: Site, size: int) -> None:
    with site.registry.transaction() as tx:
        tx.add(
            "checkpoints",
            size=size,
            root=site.log.root().hex(),
            note=site.log.signed_head().render(),
            created_at=timestamp(site.clock()),
        )
