"""Rows on their way out of the quarantine: opened, read again, and held against what stands in bronze."""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.arrow_rows import subjects_of
from lakehouse.adapters.batch_checks import check_batch
from lakehouse.adapters.bronze_rows import (
    LandedFile,
    Subjects,
    bronze_rows,
    empty_bronze,
    keyed_digest,
    repeated_keys,
    row_mask,
    row_text,
)
from lakehouse.adapters.quarantine_rows import RAW, SetAside, open_raw
from lakehouse.core.contract import DatasetContract
from lakehouse.errors import Refused
from lakehouse.pipeline.landing_batch import prepare_batch
from lakehouse.pipeline.owned_values import held_by_others
from lakehouse.pipeline.retry_resources import named_columns, standing_resources
from lakehouse.pipeline.site import Site
from lakehouse.readers.input_files import FileRows
from lakehouse.readers.reading_again import AsideRow, read_again

SETTLED = frozenset({"duplicate_file", "duplicate_row"})
"""What no contract mends: it stands in bronze already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a quarantine table and what was sealed in it; `index` is its place in that table."""

    index: int
    batch: int
    file: int
    row: int | None
    rows: int
    reason: str
    subject: str | None
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Retaken:
    """What entries of one batch became: bronze rows, entries that leave, entries that take their place.

    subjects: how many people the batch now has in bronze.
    """

    batch: int
    rows: pa.Table
    left: tuple[Entry, ...]
    added: tuple[SetAside, ...]
    people: Subjects
    findings: Mapping[str, int]
    subjects: int


def open_entries(
    site: Site, table: str, rows: pa.Table, chosen: Sequence[int]
) -> tuple[list[Entry], list[int]]:
    """Return the chosen entries of a quarantine table that open, and the indexes of those whose key is gone.

    Erasure and retention destroy keys. An entry without a sealed row has nothing to open and is in neither.
    """
    listed = rows.take(pa.array(chosen, pa.int64())).to_pylist()
    subjects = {row["subject"] for row in listed if row["subject"]}
    keys = site.vault.subject_keys(subjects - site.vault.missing_subjects(subjects), "seal")
    batches = {batch: _batch_key(site, table, batch) for batch in {row["batch"] for row in listed}}
    entries: list[Entry] = []
    gone: list[int] = []
    for index, row in zip(chosen, listed, strict=True):
        key = keys.get(row["subject"]) if row["subject"] else batches[row["batch"]]
        if key is None:
            gone.append(index)
        elif row[RAW] is not None:
            own: dict[str, Any] = {
                name: row[name] for name in ("batch", "file", "row", "rows", "reason", "subject")
            }
            entries.append(Entry(index=index, raw=open_raw(table, row, key), **own))
    return entries, gone


def _batch_key(site: Site, table: str, batch: int) -> bytes | None:
    try:
        return site.vault.batch_key(f"{table}/{batch}")
    except Refused:
        return None


def retake(site: Site, contract: DatasetContract, entries: Sequence[Entry], there: pa.Table) -> Retaken:
    """Read the entries of one batch again; `there`: the bronze rows of that batch."""
    batch = entries[0].batch
    files = _read_files(site, contract, entries, there)
    prepared = prepare_batch(site, contract, files)
    made = [bronze_rows(contract, file, prepared.people, batch) for file in prepared.files]
    rows = pa.concat_tables([empty_bronze(contract), *made])
    whole = {entry.file: entry for entry in entries if entry.row is None}
    dropped = _not_theirs(site, rows, entries) | _standing_already(contract, rows, there)
    if named_columns(contract):
        keys = site.vault.subject_keys(subjects_of(rows) | subjects_of(there), "seal")
        dropped |= standing_resources(contract, rows, there, keys)
    dropped |= _out_of_order(contract, rows, there, set(whole))
    kept = rows.filter(row_mask(len(rows), dropped))
    places = set(zip(kept.column("file").to_pylist(), kept.column("row").to_pylist(), strict=True))
    taken = {file for file, _ in places}
    left = [
        entry
        for entry in entries
        if ((entry.file, entry.row) in places if entry.row is not None else entry.file in taken)
    ]
    asides = [own for own in prepared.set_aside if own.file in whole and own.file in taken]
    asides += [
        _repeated(rows, index, prepared.files) for index in sorted(dropped) if _file(rows, index) in whole
    ]
    return Retaken(
        batch=batch,
        rows=kept,
        left=tuple(left),
        added=tuple(own for own in asides if own.file in taken),
        people=prepared.people,
        findings=prepared.findings,
        subjects=len(subjects_of(kept) | subjects_of(there)),
    )


def _read_files(
    site: Site, contract: DatasetContract, entries: Sequence[Entry], there: pa.Table
) -> list[LandedFile]:
    """Return the files that entries make, one or more a file of the batch; duplicates are marked."""
    found: list[tuple[bool, FileRows]] = []
    for number, own in groupby(sorted(entries, key=attrgetter("file")), key=attrgetter("file")):
        for group in _together(contract, list(own)):
            rows = [AsideRow(row=entry.row, raw=entry.raw) for entry in group]
            patients = _patient_ids(site, contract, group) if contract.format == "fhir_bundle" else ()
            read = read_again(rows, contract, file=number, patients=patients)
            found += [(group[0].row is None, file) for file in read]
    files = [file for _, file in found]
    checked = check_batch(contract, files, site.clock(), held_by_others(site, contract, files))
    key = site.vault.table_key("file_bytes")
    known = _known_digests(there)
    landed = [
        LandedFile(
            found=file,
            bytes_hmac=known.get(file.file) or keyed_digest(key, file.digest),
            source_digest="",
        )
        for file in checked
    ]
    whole = [file for file, (is_whole, _) in zip(landed, found, strict=True) if is_whole]
    lines = [file for file, (is_whole, _) in zip(landed, found, strict=True) if not is_whole]
    return [*_without_twins(whole), *lines]


def _without_twins(files: Sequence[LandedFile]) -> list[LandedFile]:
    """Return the files that say something of their own: of the same bytes of one person, the first."""
    first: dict[tuple[bytes, str], LandedFile] = {}
    for file in files:
        first.setdefault((file.bytes_hmac, str(file.found.constants.get("person_id", ""))), file)
    return list(first.values())


def _together(contract: DatasetContract, entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
    """Yield whole files alone, and the rows of a file together; of FHIR those of one person or of none.

    A resource whose person was never known must find that person by itself.
    """
    yield from ([entry] for entry in entries if entry.row is None)
    rows = [entry for entry in entries if entry.row is not None]
    if contract.format != "fhir_bundle":
        yield from ([rows] if rows else [])
        return
    by_person = sorted(rows, key=lambda entry: entry.subject or "")
    for _, own in groupby(by_person, key=attrgetter("subject")):
        yield sorted(own, key=attrgetter("row"))


def _patient_ids(site: Site, contract: DatasetContract, entries: Sequence[Entry]) -> Sequence[str]:
    """Return the ids, in the contract's id system, of the one person whom the entries are about."""
    subjects = {entry.subject for entry in entries if entry.subject}
    values = {value for own in site.vault.identifiers_of(subjects).values() for value in own}
    return sorted(site.vault.find_subjects(str(contract.subject and contract.subject.system), values))


def _known_digests(there: pa.Table) -> dict[int, bytes]:
    pairs = there.select(["file", "file_hmac"]).group_by(["file", "file_hmac"]).aggregate([])
    return {row["file"]: row["file_hmac"] for row in pairs.to_pylist()}


def _not_theirs(site: Site, rows: pa.Table, entries: Sequence[Entry]) -> set[int]:
    """Return the rows that would now be another person's than the one under whose key they were sealed."""
    sealed_for = {(entry.file, entry.row): entry.subject for entry in entries if entry.subject}
    whole_for = {entry.file: entry.subject for entry in entries if entry.row is None and entry.subject}
    named = {subject for subject in sealed_for.values() if subject}
    named |= {subject for subject in rows.column("subject").to_pylist() if subject}
    canonical = site.vault.canonical(named)
    places = zip(*(rows.column(name).to_pylist() for name in ("file", "row", "subject")), strict=True)
    dropped = set()
    for index, (file, row, subject) in enumerate(places):
        before = sealed_for.get((file, row)) or whole_for.get(file)
        if before and subject and canonical.get(before, before) != canonical[subject]:
            dropped.add(index)
    return dropped


def _standing_already(contract: DatasetContract, rows: pa.Table, there: pa.Table) -> set[int]:
    """Return the rows whose subject and keys another row of their batch has."""
    own = contract.subject.column if contract.subject else None
    keys = [key for key in contract.keys if key != own]
    if not contract.keys or not set(keys) <= set(rows.column_names):
        return set()
    names = ["subject", *keys]
    both = pa.concat_tables([there.select(names), rows.select(names)]).combine_chunks()
    return {int(index) - len(there) for index in repeated_keys(both, keys) if index >= len(there)}


def _out_of_order(contract: DatasetContract, rows: pa.Table, there: pa.Table, whole: set[int]) -> set[int]:
    """Return the rows that do not fit between the rows around them in the contract's `increasing` column.

    Where that column is sealed nothing can be compared in bronze: no single row passes.
    """
    name = contract.increasing
    if name is None:
        return set()
    files = rows.column("file").to_pylist()
    single = [index for index, file in enumerate(files) if file not in whole]
    if name not in rows.column_names:
        return set(single)
    values, numbers = rows.column(name).to_pylist(), rows.column("row").to_pylist()
    dropped: set[int] = set()
    for file, own in groupby(sorted(single, key=lambda i: (files[i], numbers[i])), key=files.__getitem__):
        stand = _rows_of_file(there, file, name)
        for index in own:
            if values[index] is not None and not _fits(stand, numbers[index], values[index]):
                dropped.add(index)
    return dropped


def _fits(stand: list[tuple[int, Any]], row: int, value: Any) -> bool:
    """Say whether a value lies between its neighbours by row number, and take it up where it does."""
    place = bisect(stand, (row,))
    if (place and stand[place - 1][1] >= value) or (place < len(stand) and stand[place][1] <= value):
        return False
    stand.insert(place, (row, value))
    return True


def _rows_of_file(there: pa.Table, file: int, name: str) -> list[tuple[int, Any]]:
    own = there.filter(pc.equal(there.column("file"), file))
    pairs = zip(own.column("row").to_pylist(), own.column(name).to_pylist(), strict=True)
    return sorted((row, value) for row, value in pairs if value is not None)


def _file(rows: pa.Table, index: int) -> int:
    return int(rows.column("file")[index].as_py())


def _repeated(rows: pa.Table, index: int, files: Sequence[LandedFile]) -> SetAside:
    """Return the entry of a row of a whole file that stands in its batch already."""
    file, number = _file(rows, index), rows.column("row")[index].as_py()
    found = next(own.found for own in files if own.found.file == file)
    place = found.rows.column("row").to_pylist().index(number)
    return SetAside(
        file=file,
        row=number,
        reason="duplicate_row",
        column=None,
        raw=row_text(found, place),
        subject=rows.column("subject")[index].as_py(),
    )
