"""refine: bronze becomes silver, each table that reads what has landed, inputs first."""

from collections.abc import Mapping
from operator import attrgetter

from lakehouse.adapters.private_folders import private_folder
from lakehouse.core.canonical import digest_json
from lakehouse.core.contract import DatasetContract, Layer, quarantine_of
from lakehouse.core.lineage import Version
from lakehouse.errors import WrongUse
from lakehouse.pipeline.lineage_failures import tells_failure
from lakehouse.pipeline.refined_rows import refine_rows
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.silver_portion import SilverSource, redacts
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version, repeat_of, version_details, version_of
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables


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
        if affected & set(contract.inputs()) or redacts(contract):
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
    if redacts(contract):
        source = inputs[str(contract.source)]
        known = site.vault.identifiers_digest(site.lake.subjects(source.table, source.version))
        identifiers = [known, site.detector.digest]
    return digest_json(
        ["refine", contract.table, sorted(read), contract.digest, site.policy.digest, identifiers]
    )


def _write(
    site: Site, contract: DatasetContract, inputs: Mapping[str, Version], run_key: str
) -> list[Version]:
    quarantine = quarantine_of(contract.table)
    with private_folder(site.lake.work) as folder:
        refined = refine_rows(SilverSource(site, contract, inputs), folder)
        rows = {contract.table: refined.rows}
        if len(refined.set_aside) or current_version(site, quarantine):
            rows[quarantine] = refined.set_aside
        return write_tables(
            site,
            verb="refine",
            run_key=run_key,
            writes=[
                TableWrite(table=table, rows=own, mode="overwrite", details=refined.details)
                for table, own in rows.items()
            ],
            inputs=[version.leaf for version in inputs.values()],
            digest_keys=refined.digest_keys,
        )
