"""Write tables so that a crash anywhere loses and doubles nothing (PROTOCOLS section 3).

Under one lock a table: (1) intent in the outbox, rows staged, (2) Delta commits that carry the intent's id,
(3) leaf, (4) checkpoint. `recovery` ends what a killed process left open.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lakehouse.adapters.delta_log import newest_version
from lakehouse.adapters.delta_tables import Mode
from lakehouse.adapters.spooled_rows import SpooledRows
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.canonical import timestamp
from lakehouse.core.lineage import Version
from lakehouse.pipeline.committing import commit_staged, finish_intent
from lakehouse.pipeline.intents import OPEN, seal_staged, staged_name
from lakehouse.pipeline.log_records import RegistryChange, RegistryRows, require_current_home
from lakehouse.pipeline.recovery import recover_tables
from lakehouse.pipeline.signing import contents_of
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version as current_version  # noqa: PLC0414  tasks read it here
from lakehouse.pipeline.versions import repeat_of
from lakehouse.ports import WAIT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWrite:
    """One table's share of a write.

    `by_subject` says whether rows have a `subject` column and so one keyed content leaf a person.
    `details` go into the record's private part (no floats, no values), `statements` are what a proof opens.
    """

    table: str
    rows: pa.Table | SpooledRows
    mode: Mode
    by_subject: bool = True
    kind: str = "write"
    details: Mapping[str, object] = field(default_factory=dict)
    statements: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@contextmanager
def table_locks(site: Site, tables: Sequence[str], wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the tables' locks; every writer of a table holds its lock from reading its base on.

    What a killed writer of these tables left open is ended first: else its commit and ours would be mixed.
    """
    with site.locks.hold(tables, wait):
        recover_tables(site, tables)
        yield


def write_tables(
    site: Site,
    *,
    verb: str,
    run_key: str,
    writes: Sequence[TableWrite],
    inputs: Sequence[int] = (),
    consent_root: str | None = None,
    rows: RegistryRows | None = None,
    changes: Sequence[RegistryChange] = (),
    digest_keys: Mapping[str, bytes] | None = None,
) -> list[Version]:
    """Write and sign one version of each table; the same run key returns the versions there are.

    `inputs` are leaf indexes of what was read; `rows` registry rows that belong to the write, `changes` those
    that it changes: both appear together with its leaves. `digest_keys`: those of subjects that the caller
    has made already; the others are looked up.
    """
    with table_locks(site, [write.table for write in writes]):
        there = repeat_of(site, run_key)
        if there is not None:
            return there
        require_current_home(site)
        payload = {
            "inputs": list(inputs),
            "consent_root": consent_root,
            "rows": _plain_rows(rows or {}),
            "changes": [list(change) for change in changes],
        }
        intent = _open_intent(site, verb, run_key, writes, payload)
        staged = [
            site.lake.stage(write.rows, staged_name(intent["intent_id"], number))
            for number, write in enumerate(writes)
        ]
        intent = seal_staged(site, intent)
        written = [_written(*pair) for pair in zip(writes, staged, strict=True)]
        with ThreadPoolExecutor(max_workers=1) as beside_spark:
            contents = beside_spark.submit(contents_of, site, intent, written, digest_keys)
            commit_staged(site, intent)
        return finish_intent(site, intent, contents.result())


def _written(write: TableWrite, staged: Path) -> pa.Table | SpooledRows:
    return SpooledRows(path=staged) if isinstance(write.rows, SpooledRows) else write.rows


def _plain_rows(rows: RegistryRows) -> dict[str, list[dict[str, object]]]:
    return {name: [dict(row) for row in own] for name, own in rows.items()}


def _open_intent(
    site: Site, verb: str, run_key: str, writes: Sequence[TableWrite], payload: Mapping[str, object]
) -> Row:
    tables = [
        {
            "table": write.table,
            "base": newest_version(site.lake.folder_of(write.table)),
            "mode": write.mode,
            "by_subject": write.by_subject,
            "kind": write.kind,
            "details": dict(write.details),
            "statements": dict(write.statements),
        }
        for write in writes
    ]
    return open_intent(site, verb, run_key, tables, payload)


def open_intent(
    site: Site,
    verb: str,
    run_key: str,
    tables: Sequence[Mapping[str, object]],
    payload: Mapping[str, object],
) -> Row:
    """Write an intent to the outbox and return it; the tables' locks must be held."""
    row: Row = {
        "intent_id": secrets.token_hex(16),
        "run_key": run_key,
        "verb": verb,
        "state": OPEN,
        "tables": list(tables),
        "payload": {**payload, "run": site.run},
        "created_at": timestamp(site.clock()),
    }
    with site.registry.transaction() as tx:
        tx.add("intents", **row)
    return row
