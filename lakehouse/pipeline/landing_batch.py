"""A batch on its way to bronze: who is in it, what is set aside before anything is written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lakehouse.adapters.bronze_rows import (
    BatchFile,
    LandedFile,
    Subjects,
    all_rows_text,
    clear_text_values,
    file_subjects,
    row_text,
    rows_with_values,
    stated_links,
    stated_people,
    undeclared_values,
    without_rows,
)
from lakehouse.adapters.quarantine_rows import SetAside
from lakehouse.adapters.spooled_rows import PORTION_ROWS
from lakehouse.core.contract import DatasetContract
from lakehouse.pipeline.owned_values import owned_values
from lakehouse.pipeline.site import Site
from lakehouse.readers.reading_again import framed
from lakehouse.readers.whole_files import spread_of

PORTION_BYTES = 2**27
"""Rows with long texts, or with undeclared columns, of which each row repeats the names."""
OneFile = TypeVar("OneFile", BatchFile, LandedFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files, or parts of large ones, that go on, with their people and what of them is set aside."""

    files: tuple[LandedFile, ...]
    people: Subjects
    set_aside: tuple[SetAside, ...]
    findings: Mapping[str, int]


def mark_duplicates(files: Sequence[OneFile]) -> list[OneFile]:
    """Mark files whose bytes stood earlier in the batch under the same person."""
    seen: set[tuple[bytes, str]] = set()
    marked = []
    for file in files:
        own = (file.bytes_hmac, str(file.found.constants.get("person_id", "")))
        marked.append(replace(file, duplicate=own in seen))
        seen.add(own)
    return marked


def portions(contract: DatasetContract, files: Sequence[BatchFile]) -> Iterator[list[LandedFile]]:
    """Yield the parts of the files, in order, so many at a time that they are about PORTION_ROWS or _BYTES.

    Where sources state links all parts come at once: a link found late changes who earlier rows are.
    """
    portion: list[LandedFile] = []
    rows = size = 0
    for file in files:
        for part in file.found.parts():
            portion.append(
                LandedFile(
                    found=part,
                    bytes_hmac=file.bytes_hmac,
                    source_digest=file.source_digest,
                    duplicate=file.duplicate,
                )
            )
            rows += part.received
            size += part.rows.nbytes + part.received * spread_of(part.undeclared)
            if (rows >= PORTION_ROWS or size >= PORTION_BYTES) and not contract.linked_identifiers:
                yield portion
                portion, rows, size = [], 0, 0
    if portion:
        yield portion


def prepare_batch(site: Site, contract: DatasetContract, files: Sequence[LandedFile]) -> Batch:
    """Name the people of the files and set aside what must not go on."""
    people = _name_people(site, contract, files)
    findings: Counter[str] = Counter()
    kept: list[LandedFile] = []
    aside: list[SetAside] = []
    for file in files:
        aside += _rejected_rows(contract, file, people)
        if file.duplicate:
            aside += _whole_file(contract, file, people)
            continue
        left, personal = _without_personal_data(site, contract, file, people)
        findings += _undeclared_findings(site, file)
        aside += personal
        kept.append(left)
    return Batch(
        files=tuple(kept),
        people=people,
        set_aside=tuple(aside),
        findings=dict(findings),
    )


def _name_people(site: Site, contract: DatasetContract, files: Sequence[LandedFile]) -> Subjects:
    """Give every person of the batch a pseudonym, take up links, remember what names them in free text."""
    stated = _stated_people(contract, files)
    named = {system: site.vault.name_subjects(system, ids) for system, ids in stated.items()}
    names = {system: own for system, (own, _) in named.items()}
    links = [link for file in files for link in stated_links(contract, file.found)]
    if links:
        canonical = site.vault.link_all([(names[own][i], system, value) for (own, i), system, value in links])
        names = {
            system: {identifier: canonical.get(subject, subject) for identifier, subject in own.items()}
            for system, own in names.items()
        }
    rejected = {
        system: site.vault.find_subjects(system, ids) for system, ids in _rejected_people(files).items()
    }
    everyone = (subject for own in (*names.values(), *rejected.values()) for subject in own.values())
    secrets = site.vault.secrets_of(everyone, *(made for _, made in named.values()))
    site.vault.remember_identifiers(_identifying(contract, names, files, links), secrets)
    known = {system: {**rejected.get(system, {}), **names.get(system, {})} for system in {*rejected, *names}}
    return Subjects(names=known, seal_keys=secrets.keys("seal"), digest_keys=secrets.keys("digest"))


def _stated_people(contract: DatasetContract, files: Sequence[LandedFile]) -> dict[str, list[str]]:
    """Return who the files' accepted rows name, each once, by id system."""
    stated: dict[str, dict[str, None]] = {}
    for file in files:
        for system, ids in stated_people(contract, file.found).items():
            stated.setdefault(system, {}).update(dict.fromkeys(ids))
    return {system: list(stated[system]) for system in sorted(stated)}


def _rejected_people(files: Sequence[LandedFile]) -> dict[str, list[str]]:
    stated: dict[str, list[str]] = {}
    for file in files:
        for row in file.found.rejected:
            if row.person_id and row.system:
                stated.setdefault(row.system, []).append(row.person_id)
    return stated


def _identifying(
    contract: DatasetContract,
    names: Mapping[str, Mapping[str, str]],
    files: Sequence[LandedFile],
    links: Sequence[tuple[tuple[str, str], str, str]],
) -> Iterator[tuple[str, str, str]]:
    """Yield (pseudonym, kind, value) of what identifies these people: own ids, links, what readers tell."""
    for own in names.values():
        yield from ((subject, "identifier", identifier) for identifier, subject in own.items())
    for (system, identifier), _, value in links:
        yield names[system][identifier], "identifier", value
    for file in files:
        for fact in file.found.identifiers:
            if fact.person_id in names.get(fact.system, {}):
                yield names[fact.system][fact.person_id], fact.kind, fact.value
    for (system, identifier), kind, value in owned_values(contract, [file.found for file in files]):
        yield names[system][identifier], kind, value


def _rejected_rows(contract: DatasetContract, file: LandedFile, people: Subjects) -> list[SetAside]:
    return [
        SetAside(
            file=row.file,
            row=row.row,
            reason=row.reason,
            column=row.column,
            raw=framed(contract, file.found.frame, row),
            subject=people.pseudonym(row.system, row.person_id),
        )
        for row in file.found.rejected
    ]


def _whole_file(contract: DatasetContract, file: LandedFile, people: Subjects) -> list[SetAside]:
    """Set a duplicate file aside as one entry that stands for all its accepted rows."""
    if not len(file.found.rows):
        return []
    subjects = set(file_subjects(contract, file.found, people).unique().to_pylist())
    return [
        SetAside(
            file=file.found.file,
            row=None,
            reason="duplicate_file",
            column=None,
            raw=all_rows_text(file.found),
            subject=subjects.pop() if len(subjects) == 1 else None,
            rows=len(file.found.rows),
        )
    ]


def _without_personal_data(
    site: Site, contract: DatasetContract, file: LandedFile, people: Subjects
) -> tuple[LandedFile, list[SetAside]]:
    """Set rows aside in which a column declared to be harmless holds what names a person."""
    suspicious: dict[int, str] = {}
    for name, values in clear_text_values(contract, file.found):
        named = list(site.detector.find_by_value(values.unique().to_pylist()))
        for index in rows_with_values(values, named):
            suspicious.setdefault(index, name)
    if not suspicious:
        return file, []
    subjects = file_subjects(contract, file.found, people)
    aside = [
        SetAside(
            file=file.found.file,
            row=file.found.rows.column("row")[index].as_py(),
            reason="personal_data_in_clear",
            column=column,
            raw=row_text(file.found, index),
            subject=subjects[index].as_py(),
        )
        for index, column in sorted(suspicious.items())
    ]
    return replace(file, found=without_rows(file.found, suspicious)), aside


def _undeclared_findings(site: Site, file: LandedFile) -> Counter[str]:
    """Count findings by `undeclared #<column number> <entity>`; a column's name may itself be personal."""
    return Counter(
        f"undeclared #{number} {finding.entity}"
        for number, values in undeclared_values(file.found)
        for finding in site.detector.find_in_cells(values)
    )
