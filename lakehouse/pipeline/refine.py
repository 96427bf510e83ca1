"""refine: bronze becomes silver. Opened in memory only, linked, handled column by column, validated."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter

import pyarrow as pa

from lakehouse.adapters.arrow_rows import ordered_rows, subjects_of
from lakehouse.adapters.bronze_rows import PLACE_COLUMNS
from lakehouse.adapters.gx_validator import ValidationResult
from lakehouse.adapters.quarantine_rows import SetAside, count_reasons, quarantine_rows
from lakehouse.adapters.silver_rows import (
    handle_columns,
    input_weights,
    joined_rows,
    kept_rows,
    needs_opening,
    opened_rows,
    refused_entries,
    superseded_rows,
    unlinked_rows,
)
from lakehouse.core.canonical import digest_json
from lakehouse.core.contract import DatasetContract, Layer, quarantine_of
from lakehouse.core.lineage import Version
from lakehouse.errors import WrongUse
from lakehouse.methods import find_transform
from lakehouse.methods.context import MethodContext, Transformed
from lakehouse.pipeline.lineage_failures import tells_failure
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version, repeat_of, version_details, version_of
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refined:
    """A silver table before it is written: its rows, what was refused, what the checks said."""

    rows: pa.Table
    received: int
    set_aside: tuple[SetAside, ...]
    validation: ValidationResult
    findings: Mapping[str, int]


def refine(site: Site, dataset: str, version: int | None = None) -> list[TableResult]:
    """Bring every silver table that reads `bronze.<dataset>` up to date, in order of dependence.

    `version` pins the bronze version of the data set; the newest signed one otherwise. Tables whose own
    source has not landed yet are left out. Same inputs, contract and policy: the version there is.

    Raises WrongUse (unknown data set or version, nothing landed), Refused (role).
    """
    site.actor.require("refine")
    bronze = site.contracts.bronze(dataset)
    pinned = _pinned(site, bronze, version)
    results = [_refine_table(site, contract, pinned) for contract in silver_order(site, bronze.table)]
    return [result for result in results if result is not None]


def _pinned(site: Site, bronze: DatasetContract, number: int | None) -> Version:
    found = current_version(site, bronze.table) if number is None else version_of(site, bronze.table, number)
    if found is None:
        missing = "has not landed yet" if number is None else f"has no version {number}"
        raise WrongUse(f"{bronze.table} {missing}", remedy=f"livinglab land {bronze.name} PATH")
    return found


def silver_order(site: Site, table: str) -> list[DatasetContract]:
    """Return the silver contracts that read `table`, directly or not, or redact by it, inputs first."""
    affected = {table}
    ordered: list[DatasetContract] = []
    for contract in _by_inputs(site):
        if affected & set(contract.inputs()) or _redacts(contract):
            affected.add(contract.table)
            ordered.append(contract)
    return ordered


def _by_inputs(site: Site) -> list[DatasetContract]:
    """Return silver contracts so that each stands after the silver tables it reads."""
    left = {contract.table: contract for contract in site.contracts.of_layer(Layer.SILVER)}
    ordered: list[DatasetContract] = []
    while left:
        ready = [c for c in left.values() if not set(c.inputs()) & set(left)]
        for contract in ready:
            ordered.append(left.pop(contract.table))
    return ordered


@tells_failure("refine", attrgetter("table"))
def _refine_table(site: Site, contract: DatasetContract, pinned: Version) -> TableResult | None:
    with table_locks(site, [contract.table, quarantine_of(contract.table)]):
        inputs = _input_versions(site, contract, pinned)
        source = inputs.get(contract.source or "")
        if source is None:
            return None
        run_key, made = _open_run(site, contract, pinned, _run_key(site, contract, inputs))
        versions = made or _write(site, contract, inputs, run_key)
        own = next(version for version in versions if version.table == contract.table)
        return TableResult.of(own, version_details(site, own), repeated=made is not None)


def _open_run(
    site: Site, contract: DatasetContract, pinned: Version, run_key: str
) -> tuple[str, list[Version] | None]:
    """Return the key under which to write, and what it made before.

    A contract that goes back to what it was finds the version of then, which readers no longer open: from
    the newest input it is made anew, under a key that follows from the first.
    """
    made = repeat_of(site, run_key)
    if pinned != current_version(site, pinned.table):
        return run_key, made
    with site.registry.reading() as tx:
        newest = tx.many("versions", table_name=contract.table, kind="write", order="version", newest=1)
    while made is not None and newest and newest[0]["run_key"] != run_key:
        run_key = digest_json(["again", run_key])
        made = repeat_of(site, run_key)
    return run_key, made


def _input_versions(site: Site, contract: DatasetContract, pinned: Version) -> dict[str, Version]:
    named = {table: current_version(site, table) for table in contract.inputs()}
    found = {table: version for table, version in named.items() if version is not None}
    return {**found, pinned.table: pinned} if pinned.table in contract.inputs() else found


def _run_key(site: Site, contract: DatasetContract, inputs: Mapping[str, Version]) -> str:
    """PROTOCOLS section 2: input versions, contract with its revision, policy; for redaction who is known
    and what detects, so that a model added to the site reads the notes that waited for it.

    Inputs by content, not by number: one whose files were only joined gives the silver version there is.
    """
    read = [[version.table, version.content_digest] for version in inputs.values()]
    identifiers: list[str] | None = None
    if _redacts(contract):
        source = inputs[str(contract.source)]
        known = site.vault.identifiers_digest(site.lake.subjects(source.table, source.version))
        identifiers = [known, site.detector.digest]
    return digest_json(
        ["refine", contract.table, sorted(read), contract.digest, site.policy.digest, identifiers]
    )


def _redacts(contract: DatasetContract) -> bool:
    return any(column.handling.method == "redact" for column in contract.columns)


def _write(
    site: Site, contract: DatasetContract, inputs: Mapping[str, Version], run_key: str
) -> list[Version]:
    refined = _make_rows(site, contract, inputs)
    reasons = count_reasons(refined.set_aside)
    details = {
        "dataset": str(contract.source).partition(".")[2],
        "received": refined.received,
        "accepted": refined.received - reasons.total(),
        "quarantined": reasons.total(),
        "reasons": dict(reasons),
        "subjects": len(subjects_of(refined.rows)),
        "batch": None,
        "findings": dict(refined.findings),
        "checks": [asdict(check) for check in refined.validation.checks],
        "contract": contract.digest,
        "detector": site.detector.version if _redacts(contract) else None,
    }
    writes = [TableWrite(table=contract.table, rows=refined.rows, mode="overwrite", details=details)]
    if refined.set_aside or current_version(site, quarantine_of(contract.table)):
        writes.append(_quarantine_write(site, contract, refined.set_aside, details))
    return write_tables(
        site,
        verb="refine",
        run_key=run_key,
        writes=writes,
        inputs=[version.leaf for version in inputs.values()],
    )


def _quarantine_write(
    site: Site, contract: DatasetContract, aside: Sequence[SetAside], details: Mapping[str, object]
) -> TableWrite:
    table = quarantine_of(contract.table)
    people = {entry.subject for entry in aside if entry.subject}
    keys = site.vault.subject_keys(people, "seal")
    rows = quarantine_rows(table, aside, keys, site.vault.batch_key(table), batch=0, stage="refine")
    return TableWrite(table=table, rows=rows, mode="overwrite", details=details)


def _make_rows(site: Site, contract: DatasetContract, inputs: Mapping[str, Version]) -> _Refined:
    source = inputs[str(contract.source)]
    bronze = site.contracts.by_table[source.table]
    rows = ordered_rows(site.lake.read(source.table, source.version), PLACE_COLUMNS)
    people = subjects_of(rows)
    if needs_opening(bronze, contract):
        rows = opened_rows(rows, bronze, contract, site.vault.subject_keys(people, "seal"))
    unlinked = _unlinked(site, contract, inputs, rows)
    linked = kept_rows(rows, [index for index, _, _ in unlinked])
    context = _context(site, contract, linked)
    transformed = find_transform(contract.transform)(linked, contract, context)
    aside = [*refused_entries(rows, unlinked), *refused_entries(linked, transformed.rejected)]
    finished = _finish(site, contract, inputs, transformed)
    return replace(
        finished,
        received=transformed.passed + len(transformed.rejected) + len(unlinked),
        set_aside=(*aside, *finished.set_aside),
    )


def _context(site: Site, contract: DatasetContract, rows: pa.Table) -> MethodContext:
    return MethodContext(
        table=contract.table,
        subjects=rows.column("subject").combine_chunks(),
        rows=rows,
        vault=site.vault,
        detector=site.detector,
        identifiers=site.vault.identifiers_of(subjects_of(rows)) if _redacts(contract) else {},
    )


def _unlinked(
    site: Site, contract: DatasetContract, inputs: Mapping[str, Version], rows: pa.Table
) -> list[tuple[int, str, str | None]]:
    """Return (index, reason, column) of rows whose person the linked table does not have."""
    if contract.link is None:
        return []
    other = inputs.get(contract.link.table)
    linked = site.lake.subjects(other.table, other.version) if other else set()
    return [(index, contract.link.reason, None) for index in unlinked_rows(rows, linked)]


def _finish(
    site: Site, contract: DatasetContract, inputs: Mapping[str, Version], transformed: Transformed
) -> _Refined:
    """Join, handle the columns, keep the newest of a key, validate."""
    rows = transformed.rows
    for rule in contract.joins:
        other = inputs.get(rule.table)
        rows = joined_rows(rows, rule, site.lake.read(other.table, other.version) if other else None)
    handled = handle_columns(rows, contract, _context(site, contract, rows))
    refused = dict(handled.refused)
    for index in superseded_rows(handled.rows, contract.keys, refused):
        refused[index] = ("superseded", None)
    standing = [index for index in range(len(rows)) if index not in refused]
    validation = site.validator.validate(kept_rows(handled.rows, refused), contract.checks)
    for index in validation.failing_rows:
        refused[standing[index]] = ("check_failed", validation.failing_rows[index])
    entries = refused_entries(rows, [(i, *refused[i]) for i in sorted(refused)], input_weights(rows))
    return _Refined(
        rows=kept_rows(handled.rows, refused),
        received=transformed.passed,
        set_aside=tuple(entries),
        validation=validation,
        findings=handled.findings,
    )
