"""quarantine --retry: what land set aside is read again under the contract there is now.

Sealed rows are opened in memory and go through the reader and every check of land. What passes keeps its
place: the batch, file and row where it stood when it came, so that the tables are as if the contract had
always been this one. Bronze grows by those rows and the quarantine loses them under one intent, and the
counts of the batches they came in follow: accepted + quarantined = received holds for each. What refine set
aside stands in bronze, and is judged anew by refine itself.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

import pyarrow as pa

from lakehouse.adapters.arrow_rows import subjects_of
from lakehouse.adapters.bronze_rows import row_mask
from lakehouse.adapters.quarantine_rows import QUARANTINE_SCHEMA, count_reasons, quarantine_rows
from lakehouse.core.canonical import digest_json
from lakehouse.core.contract import DatasetContract, quarantine_of
from lakehouse.core.lineage import Version
from lakehouse.errors import Damaged
from lakehouse.pipeline.log_records import RegistryChange, require_current_home
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.retry_choice import require_choice
from lakehouse.pipeline.retry_resources import named_columns
from lakehouse.pipeline.retry_rows import SETTLED, Entry, Retaken, open_entries, retake
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables

_BATCH_FIELDS = ("dataset", "batch", "received", "accepted", "quarantined", "reasons")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Input rows: `retried` = `passed` + `still` set aside + `gone`, whose key is destroyed."""

    retried: int = 0
    passed: int = 0
    still: int = 0
    gone: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the four counts."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedBatch:
    """A batch of land after a retry: its counts as they are now, and what the retry made of its rows."""

    dataset: str
    table: str
    version: int
    leaf: int
    batch: int
    received: int
    accepted: int
    quarantined: int
    reasons: Mapping[str, int]
    tally: Tally

    def as_json(self) -> dict[str, object]:
        """Return the entry of `batches[]`."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "tally"}
        return {**own, **self.tally.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What came of a retry; `repeated`: nothing passed, nothing was written. `silver`: what refine gave."""

    dataset: str
    tally: Tally = Tally()
    repeated: bool = True
    batches: tuple[RetriedBatch, ...] = ()
    silver: tuple[TableResult, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the fields of `quarantine --retry`."""
        return {
            "dataset": self.dataset,
            **self.tally.as_json(),
            "repeated": self.repeated,
            "batches": [batch.as_json() for batch in self.batches],
            "silver": [result.as_json() for result in self.silver],
        }


def retry_quarantine(site: Site, dataset: str, batch: int | None = None, reason: str | None = None) -> Retry:
    """Read again what land set aside, of one batch or reason if named, then refine the data set.

    Duplicates stay. Where nothing passes that did not before, nothing is written and `repeated` is true.

    Raises WrongUse (unknown data set, batch or reason), NotAllowed (role), and what `refine` raises.
    """
    site.actor.require("land")
    site.actor.require("refine")
    contract = site.contracts.bronze(dataset)
    require_choice(site, contract, batch, reason)
    with table_locks(site, [contract.table, quarantine_of(contract.table)]):
        retry = _retry_locked(site, contract, batch, reason)
    landed = current_version(site, contract.table)
    return replace(retry, silver=tuple(refine(site, dataset))) if landed else retry


def count_waiting(
    site: Site, contract: DatasetContract, batch: int | None = None, reason: str | None = None
) -> int:
    """Return how many input rows land set aside that a retry would read again.

    Of one batch or reason if named. Raises WrongUse (unknown batch or reason).
    """
    require_choice(site, contract, batch, reason)
    version = current_version(site, quarantine_of(contract.table))
    if version is None:
        return 0
    rows = site.lake.read(version.table, version.version, ["batch", "reason", "rows"])
    counted = rows.column("rows").to_pylist()
    return sum(counted[index] for index in _chosen(rows, batch, reason))


def _retry_locked(site: Site, contract: DatasetContract, batch: int | None, reason: str | None) -> Retry:
    require_current_home(site)
    landed, aside = (
        current_version(site, contract.table),
        current_version(site, quarantine_of(contract.table)),
    )
    if landed is None or aside is None:
        return Retry(dataset=contract.name)
    rows = site.lake.read(aside.table, aside.version)
    chosen = _chosen(rows, batch, reason)
    entries, gone = open_entries(site, aside.table, rows, chosen)
    by_batch = groupby(sorted(entries, key=attrgetter("batch")), key=attrgetter("batch"))
    retaken = [_retake(site, contract, landed, list(own)) for _, own in by_batch]
    passed = [own for own in retaken if len(own.rows)]
    tried = _Tried(contract=contract, rows=rows, chosen=chosen, gone=gone, retaken=passed)
    if passed:
        landed = _write(site, tried, aside)
    return _result(site, tried, landed)


def _chosen(rows: pa.Table, batch: int | None, reason: str | None) -> list[int]:
    """Return the indexes of the entries that are asked for and that a contract could mend."""
    return [
        index
        for index, row in enumerate(rows.select(["batch", "reason"]).to_pylist())
        if row["reason"] not in SETTLED and batch in (None, row["batch"]) and reason in (None, row["reason"])
    ]


def _retake(site: Site, contract: DatasetContract, landed: Version, entries: Sequence[Entry]) -> Retaken:
    batch = entries[0].batch
    names = ["subject", "batch", "file", "row", "file_hmac", *contract.keys, contract.increasing or "row"]
    names += [column.stored_name for column in named_columns(contract)]
    there = site.lake.read_batch(landed.table, landed.version, batch, names)
    return retake(site, contract, entries, there)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A quarantine as it stood and what was tried of it; `chosen` and `gone` are indexes of `rows`."""

    contract: DatasetContract
    rows: pa.Table
    chosen: Sequence[int]
    gone: Sequence[int]
    retaken: Sequence[Retaken]

    def tally(self, batch: int | None = None) -> Tally:
        """Return the counts of one batch or of all."""
        listed = self.rows.select(["batch", "rows"]).to_pylist()
        gone = set(self.gone)
        own = [own for own in self.retaken if batch in (None, own.batch)]
        left = {entry.index for taken in own for entry in taken.left}
        stayed = [
            listed[index]["rows"]
            for index in self.chosen
            if batch in (None, listed[index]["batch"]) and index not in gone | left
        ]
        passed = sum(len(taken.rows) for taken in own)
        still = sum(stayed) + sum(entry.rows for taken in own for entry in taken.added)
        lost = sum(listed[index]["rows"] for index in gone if batch in (None, listed[index]["batch"]))
        return Tally(retried=passed + still + lost, passed=passed, still=still, gone=lost)


def _write(site: Site, tried: _Tried, aside: Version) -> Version:
    contract, tally = tried.contract, tried.tally()
    rows = pa.concat_tables([own.rows for own in tried.retaken])
    added = [entry for own in tried.retaken for entry in own.added]
    reasons = count_reasons(added)
    findings = Counter[str]()
    digest_keys: dict[str, bytes] = {}
    for own in tried.retaken:
        findings.update(own.findings)
        digest_keys.update(own.people.digest_keys)
    details: dict[str, object] = {
        "received": tally.retried,
        "accepted": tally.passed,
        "quarantined": tally.still + tally.gone,
        "subjects": len(subjects_of(rows)),
        "dataset": contract.name,
        "batch": None,
        "batches": [own.batch for own in tried.retaken],
        "reasons": dict(_reasons_left(tried)),
        "passed_reasons": dict(_passed_reasons(tried)),
        "added_reasons": dict(reasons),
        "findings": dict(findings),
        "contract": contract.digest,
    }
    places = [[own.batch, entry.file, entry.row] for own in tried.retaken for entry in own.left]
    writes = [
        TableWrite(table=contract.table, rows=rows, mode="append", details=details),
        TableWrite(table=aside.table, rows=_aside_now(site, tried, aside), mode="overwrite", details=details),
    ]
    return write_tables(
        site,
        verb="retry",
        run_key=digest_json(["retry", contract.digest, aside.leaf, places]),
        writes=writes,
        inputs=[aside.leaf],
        changes=[_batch_change(site, contract, own) for own in tried.retaken],
        digest_keys=digest_keys,
    )[0]


def _aside_now(site: Site, tried: _Tried, aside: Version) -> pa.Table:
    """Return the quarantine without the entries that left, with those that took their place."""
    left = [entry.index for own in tried.retaken for entry in own.left]
    kept = tried.rows.filter(row_mask(len(tried.rows), left))
    added = [
        quarantine_rows(
            aside.table,
            own.added,
            own.people.seal_keys,
            site.vault.batch_key(f"{aside.table}/{own.batch}"),
            batch=own.batch,
            stage="land",
        )
        for own in tried.retaken
        if own.added
    ]
    return pa.concat_tables([kept.select(QUARANTINE_SCHEMA.names).cast(QUARANTINE_SCHEMA), *added])


def _batch_change(site: Site, contract: DatasetContract, own: Retaken) -> RegistryChange:
    """Return the change to a batch's counts: received grows where a file set aside as one was many rows."""
    key = {"dataset": contract.name, "batch": own.batch}
    with site.registry.reading() as tx:
        row = tx.one("batches", **key)
    if row is None:
        raise Damaged(f"registry.db has no batch {own.batch} of {contract.name}", remedy="livinglab fsck")
    left, added = sum(entry.rows for entry in own.left), sum(entry.rows for entry in own.added)
    reasons = Counter(row["reasons"] or {})
    reasons.subtract(_rows_by_reason(own.left))
    reasons.update(count_reasons(own.added))
    values = {
        "received": row["received"] + len(own.rows) + added - left,
        "accepted": row["accepted"] + len(own.rows),
        "quarantined": row["quarantined"] + added - left,
        "reasons": {name: count for name, count in reasons.items() if count},
        "subjects": own.subjects,
    }
    return "batches", key, values


def _rows_by_reason(entries: Iterable[Entry]) -> Counter[str]:
    counted = Counter[str]()
    for entry in entries:
        counted[entry.reason] += entry.rows
    return counted


def _passed_reasons(tried: _Tried) -> Counter[str]:
    return _rows_by_reason(entry for own in tried.retaken for entry in own.left)


def _reasons_left(tried: _Tried) -> Counter[str]:
    """Return why the rows that were tried and did not pass are set aside."""
    left = {entry.index for own in tried.retaken for entry in own.left}
    listed = tried.rows.select(["reason", "rows"]).to_pylist()
    reasons = count_reasons(entry for own in tried.retaken for entry in own.added)
    for index in tried.chosen:
        if index not in left:
            reasons[listed[index]["reason"]] += listed[index]["rows"]
    return reasons


def _result(site: Site, tried: _Tried, landed: Version) -> Retry:
    listed = tried.rows.column("batch").to_pylist()
    numbers = sorted({listed[index] for index in tried.chosen})
    with site.registry.reading() as tx:
        rows = [tx.one("batches", dataset=tried.contract.name, batch=number) for number in numbers]
    batches = tuple(
        RetriedBatch(
            table=landed.table,
            version=landed.version,
            leaf=landed.leaf,
            **{name: row[name] for name in _BATCH_FIELDS},
            tally=tried.tally(row["batch"]),
        )
        for row in rows
        if row is not None
    )
    name, tally = tried.contract.name, tried.tally()
    return Retry(dataset=name, tally=tally, repeated=not tried.retaken, batches=batches)
