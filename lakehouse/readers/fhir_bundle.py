"""FHIR R4: a Bundle a file, one resource a file, or NDJSON with a resource a line.

A resource stays whole, as compact JSON text in `resource`; `person_id` is the `Patient.id` that it is
about. `[format_options]`: resource_types (others are set aside as `not_in_contract`), own_id_systems (id
systems in which `Patient.id` also counts, for patients who state no identifier of that system).
Resources are validated by `fhir.resources` (R4B). Source: https://hl7.org/fhir/R4/bundle.html
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakehouse.core.contract import DatasetContract
from lakehouse.core.toml_section import Section
from lakehouse.errors import UnreadableInput
from lakehouse.readers.casting import ID_LIMIT, is_placeholder
from lakehouse.readers.fhir_again import with_url
from lakehouse.readers.fhir_identifiers import (
    known_identifiers,
    linked_identifiers,
    unlike_linked_identifiers,
)
from lakehouse.readers.fhir_people import PatientIndex, index_patients
from lakehouse.readers.input_files import FileRows, InputFile, KnownIdentifier, RejectedRow
from lakehouse.readers.json_values import Json, json_text, parse_json
from lakehouse.readers.text_rows import split_lines
from lakehouse.readers.whole_files import (
    BYTE_ORDER_MARK,
    LINE_LIMIT,
    empty_rows,
    file_fault,
    mostly_faults,
    reject_file,
)

_UNLIKE_FHIR = (ValueError, TypeError, LookupError, AttributeError, ImportError, RecursionError)
"""What `fhir.resources` raises on a resource of the wrong shape, its own slips included."""
DOCUMENT_LIMIT = 2**25
LINKS = pa.list_(pa.struct([("system", pa.string()), ("value", pa.string())]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource as it came. fault: a reason code where its line is no JSON object."""

    number: int
    resource: Mapping[str, Json]
    full_url: str | None = None
    raw: bytes | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirOptions:
    """`[format_options]` of a contract with `format = "fhir_bundle"`."""

    resource_types: tuple[str, ...]
    own_id_systems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A resource that goes to bronze, with the person whom it is about."""

    entry: Entry
    person_id: str
    text: str


def read(file: InputFile, contract: DatasetContract) -> FileRows:
    """Return the resources of one file; `row` and `received` count resources, from 1."""
    options = fhir_options(contract)
    data = file.load()
    fault = file_fault(data)
    entries = None if fault else _entries(data.removeprefix(BYTE_ORDER_MARK))
    if entries is None:
        return reject_file(file, contract, fault or _unread_reason(data))
    people = index_patients((entry.full_url, entry.resource) for entry in entries)
    taken: list[Taken] = []
    rejected: list[RejectedRow] = []
    seen: set[tuple[Json, Json]] = set()
    for entry in entries:
        person = people.person_of(entry.resource)
        reason = _entry_fault(entry, person, contract, options, seen)
        if reason or person is None:
            rejected.append(_rejected(file, entry, reason or "no_person", person, contract))
        else:
            taken.append(Taken(entry=entry, person_id=person, text=json_text(dict(entry.resource)) or ""))
    return FileRows(
        file=file.number,
        digest=hashlib.sha256(data).digest(),
        identity="",
        rows=_rows(taken, contract, options),
        rejected=tuple(rejected),
        received=len(entries),
        identifiers=_identifiers(taken, contract),
    )


def fhir_options(contract: DatasetContract) -> FhirOptions:
    """Return the options of a contract.

    Raises:
        ContractError: an option is not known, or R4 has no such resource type.
    """
    section = Section(contract.format_options, file=contract.file, place="format_options")
    options = FhirOptions(
        resource_types=section.texts("resource_types"), own_id_systems=section.texts("own_id_systems")
    )
    section.finish()
    for name in options.resource_types:
        if not _is_resource_type(name):
            raise section.error("resource_types", f"{name!r} is not a resource of FHIR R4")
    return options


def _entries(data: bytes) -> list[Entry] | None:
    """Return the resources of a file, None where it holds none that can be read."""
    if len(data) > DOCUMENT_LIMIT:
        return _entries_by_line(data)
    try:
        document = parse_json(data.decode())
    except (UnreadableInput, UnicodeError):
        return _entries_by_line(data)
    if not isinstance(document, dict):
        return None
    if document.get("resourceType") != "Bundle":
        return [Entry(number=1, resource=document)] if "resourceType" in document else None
    listed = document.get("entry")
    if not isinstance(listed, list):
        return None
    return [_bundle_entry(number, item) for number, item in enumerate(listed, 1)]


def _unread_reason(data: bytes) -> str:
    if len(data) > DOCUMENT_LIMIT:
        return "too_large"
    try:
        data.decode()
    except UnicodeError:
        return "bad_encoding"
    return "unreadable_file"


def _bundle_entry(number: int, item: Json) -> Entry:
    resource = item.get("resource") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(resource, dict):
        return Entry(number=number, resource={}, raw=_json_bytes(item), fault="invalid_resource")
    full_url = item.get("fullUrl")
    return Entry(number=number, resource=resource, full_url=full_url if isinstance(full_url, str) else None)


def _entries_by_line(data: bytes) -> list[Entry] | None:
    entries: list[Entry] = []
    faults = 0
    for number, raw in enumerate(split_lines(data), 1):
        entries.append(_line_entry(number, raw))
        faults += entries[-1].fault is not None
        if mostly_faults(faults, len(entries) - faults):
            return None
    return entries if any("resourceType" in entry.resource for entry in entries) else None


def _line_entry(number: int, raw: bytes) -> Entry:
    if len(raw) > LINE_LIMIT:
        return Entry(number=number, resource={}, raw=raw, fault="too_large")
    if not raw.strip():
        return Entry(number=number, resource={}, raw=raw, fault="empty_line")
    try:
        resource = parse_json(raw.decode())
    except UnicodeError:
        return Entry(number=number, resource={}, raw=raw, fault="bad_encoding")
    except UnreadableInput:
        return Entry(number=number, resource={}, raw=raw, fault="invalid_json")
    if not isinstance(resource, dict):
        return Entry(number=number, resource={}, raw=raw, fault="invalid_json")
    return Entry(number=number, resource=resource, raw=raw)


def _entry_fault(
    entry: Entry,
    person: str | None,
    contract: DatasetContract,
    options: FhirOptions,
    seen: set[tuple[Json, Json]],
) -> str | None:
    """Return why a resource is set aside, in the order in which the questions make sense."""
    fault = _form_fault(entry, options) or _person_fault(entry.resource, person, contract)
    key = (entry.resource.get("resourceType"), entry.resource.get("id"))
    if fault is None and key[1] is not None:
        fault = "duplicate_row" if key in seen else None
        seen.add(key)
    return fault


def _form_fault(entry: Entry, options: FhirOptions) -> str | None:
    kind = entry.resource.get("resourceType")
    if entry.fault or not isinstance(kind, str):
        return entry.fault or "invalid_resource"
    if kind not in options.resource_types:
        return "not_in_contract"
    if not _is_text(entry.resource):
        return "bad_encoding"
    return None if _is_valid(kind, entry.resource) else "invalid_resource"


def _person_fault(resource: Mapping[str, Json], person: str | None, contract: DatasetContract) -> str | None:
    if person is None:
        return "broken_reference" if PatientIndex.names_someone(resource) else "no_person"
    if contract.subject and is_placeholder(person, contract.subject):
        return "no_person"
    canonical = _is_canonical(person, contract) and not unlike_linked_identifiers(resource, contract)
    return None if canonical else "id_not_canonical"


def _is_text(resource: Mapping[str, Json]) -> bool:
    """JSON can spell half of a surrogate pair, which no encoding can store."""
    try:
        json_text(dict(resource))
    except UnicodeError:
        return False
    return True


def _is_resource_type(name: str) -> bool:
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(name)
    except ValueError:
        return False
    return True


def _is_valid(kind: str, resource: Mapping[str, Json]) -> bool:
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(kind).model_validate(resource)
    except _UNLIKE_FHIR:
        return False
    return True


def _is_canonical(person: str, contract: DatasetContract) -> bool:
    column = contract.column(contract.subject.column) if contract.subject else None
    if contract.subject and (len(person) > ID_LIMIT or is_placeholder(person, contract.subject)):
        return False
    return column is None or re.fullmatch(column.id_pattern or ".+", person) is not None


def _rejected(
    file: InputFile, entry: Entry, reason: str, person: str | None, contract: DatasetContract
) -> RejectedRow:
    known = person if person is not None and _is_canonical(person, contract) else None
    raw = _json_bytes(dict(entry.resource)) if entry.raw is None else entry.raw
    return RejectedRow(
        file=file.number,
        row=entry.number,
        reason=reason,
        column=None,
        raw=with_url(entry.full_url, entry.resource, raw),
        person_id=known,
        system=contract.subject.system if known and contract.subject else None,
    )


def _json_bytes(value: Json) -> bytes:
    try:
        return (json_text(value) or "null").encode()
    except UnicodeError:
        return repr(value).encode("utf-8", "backslashreplace")


def _rows(taken: Sequence[Taken], contract: DatasetContract, options: FhirOptions) -> pa.Table:
    by_source = {
        "person_id": [one.person_id for one in taken],
        "resource_type": [one.entry.resource["resourceType"] for one in taken],
        "resource_id": [one.entry.resource.get("id") for one in taken],
        "resource": [one.text for one in taken],
    }
    columns = {"row": pa.array([one.entry.number for one in taken], pa.int64())}
    for field in empty_rows(contract).schema:
        source = next((c.source for c in contract.columns if c.name == field.name), None)
        if source in by_source:
            columns[field.name] = pa.array(by_source[source], field.type)
    if contract.linked_identifiers:
        links = [linked_identifiers(one.entry.resource, contract, options.own_id_systems) for one in taken]
        columns["links"] = pa.array(links, LINKS)
    return pa.table(columns)


def _identifiers(taken: Sequence[Taken], contract: DatasetContract) -> tuple[KnownIdentifier, ...]:
    system = contract.subject.system if contract.subject else None
    return tuple(
        KnownIdentifier(person_id=one.person_id, system=system or "", kind=kind, value=value)
        for one in taken
        if one.entry.resource["resourceType"] == "Patient"
        for kind, value in known_identifiers(one.entry.resource)
    )
