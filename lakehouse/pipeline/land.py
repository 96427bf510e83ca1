"""land: files become bronze rows, identifiers and free text sealed (PROTOCOLS sections 1 to 3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lakehouse.adapters.batch_checks import Contested, contested_values
from lakehouse.adapters.bronze_rows import BatchFile, keyed_digest
from lakehouse.adapters.file_stamps import Stamp, file_stamp
from lakehouse.adapters.private_folders import private_folder
from lakehouse.core.canonical import digest_json, timestamp
from lakehouse.core.contract import DatasetContract, quarantine_of
from lakehouse.errors import Damaged, WrongUse
from lakehouse.pipeline.landing_batch import mark_duplicates, portions
from lakehouse.pipeline.landing_rows import LandedRows
from lakehouse.pipeline.lineage_failures import tells_failure
from lakehouse.pipeline.log_records import require_current_home
from lakehouse.pipeline.owned_values import check_portion
from lakehouse.pipeline.results import TableResult
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import repeat_of, version_details
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables
from lakehouse.readers import read_files
from lakehouse.readers.input_files import FoundRows, expand, matches


@tells_failure("land", lambda dataset: f"bronze.{dataset}")
def land(site: Site, dataset: str, paths: Sequence[Path]) -> TableResult:
    """Land files of one data set as one batch; files of earlier batches are a no-op.

    Raises WrongUse (unknown data set, no file), UnreadableInput (a path that is not there), Refused.
    """
    site.actor.require("land")
    require_current_home(site)
    contract = site.contracts.bronze(dataset)
    dropped = _dropped_files(site, contract, paths)
    found = list(read_files(paths, contract))
    if not found:
        raise _no_file(contract, paths)
    result = land_found(site, contract, found)
    _clear_landing(dropped)
    return result


def require_files(contract: DatasetContract, paths: Sequence[Path]) -> None:
    """Raise what `land` raises where the paths name no file of the data set; none is read."""
    if next(expand(paths, contract.files), None) is None:
        raise _no_file(contract, paths)


def _no_file(contract: DatasetContract, paths: Sequence[Path]) -> WrongUse:
    return WrongUse(
        f"there is no file of {contract.name} at the {len(paths)} paths given",
        remedy=f"its files are named {', '.join(contract.files)}",
    )


def land_found(
    site: Site,
    contract: DatasetContract,
    found: Sequence[FoundRows],
    told: Mapping[str, object] | None = None,
) -> TableResult:
    """Land what a reader found as one batch; whoever calls has checked the role.

    `told` stands in the private details of the record beside the counts: no float, no value of a file.
    """
    keys = {name: site.vault.table_key(name) for name in ("source", "file_bytes")}
    marked = [
        BatchFile(
            found=file,
            bytes_hmac=keyed_digest(keys["file_bytes"], file.digest),
            source_digest=keyed_digest(keys["source"], file.identity.encode(), file.digest).hex(),
        )
        for file in found
    ]
    contested = contested_values(contract, (part for file in found for part in file.parts()))
    with table_locks(site, [contract.table, quarantine_of(contract.table)]):
        return _land_new(site, contract, marked, contested, told or {})


def _land_new(
    site: Site,
    contract: DatasetContract,
    files: Sequence[BatchFile],
    contested: Contested,
    told: Mapping[str, object],
) -> TableResult:
    with site.registry.reading() as tx:
        known = {row["source_digest"]: row["batch"] for row in tx.many("batch_files", dataset=contract.name)}
        newest = tx.largest("batches", "batch", dataset=contract.name) or 0
    new = [file for file in files if file.source_digest not in known]
    if not new:
        return _earlier_batch(site, contract, max(known[file.source_digest] for file in files))
    run_key = digest_json(["land", contract.name, sorted(file.source_digest for file in new)])
    with private_folder(site.lake.work) as folder:
        with LandedRows(site, contract, newest + 1, folder) as landed:
            for portion in portions(contract, mark_duplicates(new)):
                landed.take(check_portion(site, contract, portion, contested))
        return _write_batch(site, landed, new, run_key, told)


def _write_batch(
    site: Site, landed: LandedRows, files: Sequence[BatchFile], run_key: str, told: Mapping[str, object]
) -> TableResult:
    counts = landed.counts()
    contract = landed.contract
    details = {
        **told,
        **counts,
        "dataset": contract.name,
        "batch": landed.number,
        "reasons": dict(landed.reasons),
        "findings": dict(landed.findings),
        "contract": contract.digest,
    }
    versions = write_tables(
        site,
        verb="land",
        run_key=run_key,
        writes=[
            TableWrite(table=table, rows=rows, mode="append", details=details)
            for table, rows in landed.tables().items()
        ],
        rows={
            "batches": [_batch_row(site, landed, run_key, counts)],
            "batch_files": _file_rows(contract, files, landed.number),
        },
        digest_keys=landed.digest_keys,
    )
    return TableResult.of(versions[0], details, repeated=False)


def _batch_row(site: Site, landed: LandedRows, run_key: str, counts: Mapping[str, int]) -> dict[str, object]:
    return {
        "dataset": landed.contract.name,
        "batch": landed.number,
        "run_key": run_key,
        "intent_id": None,
        "reasons": dict(landed.reasons),
        "created_at": timestamp(site.clock()),
        **counts,
    }


def _file_rows(contract: DatasetContract, files: Sequence[BatchFile], batch: int) -> list[dict[str, object]]:
    """Return a registry row a file that is now known; duplicates inside the batch share theirs."""
    digests: dict[str, int] = {}
    for file in files:
        digests.setdefault(file.source_digest, file.found.file)
    return [
        {"dataset": contract.name, "source_digest": digest, "batch": batch, "file": number}
        for digest, number in digests.items()
    ]


def _earlier_batch(site: Site, contract: DatasetContract, number: int) -> TableResult:
    with site.registry.reading() as tx:
        row = tx.one("batches", dataset=contract.name, batch=number)
    versions = repeat_of(site, row["run_key"]) if row else None
    own = next((version for version in versions or () if version.table == contract.table), None)
    if own is None:
        raise Damaged(f"batch {number} of {contract.name} has no signed version", remedy="livinglab fsck")
    return TableResult.of(own, version_details(site, own), repeated=True)


def _dropped_files(site: Site, contract: DatasetContract, paths: Sequence[Path]) -> dict[Path, Stamp | None]:
    """Return the batch's files that lie in the drop zone, as they are before they are read."""
    landing = site.home.place("landing").resolve()
    dropped: dict[Path, Stamp | None] = {}
    for path in paths:
        inside = path.resolve()
        if inside.is_relative_to(landing) and inside != landing:
            below = [inside] if inside.is_file() else inside.rglob("*")
            own = (file for file in below if file.is_file())
            taken = (file for file in own if file == inside or matches(file, inside, contract.files))
            dropped.update((file, file_stamp(file)) for file in taken)
    return dropped


def _clear_landing(dropped: Mapping[Path, Stamp | None]) -> None:
    """Delete what was taken in, now that its version is signed; what changed since was never read."""
    for file, stamp in dropped.items():
        if stamp is not None and file_stamp(file) == stamp:
            file.unlink()
