"""What names a patient in a FHIR record: links to other id systems, and words to find in free text."""

import re
from collections.abc import Iterator, Mapping, Sequence

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.casting import ID_LIMIT, is_placeholder
from lakehouse.readers.fhir_people import Resource, business_identifiers
from lakehouse.readers.json_values import Json

_MAIDEN_NAME = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"


def linked_identifiers(
    resource: Resource, contract: DatasetContract, own_id_systems: Sequence[str]
) -> list[dict[str, str]] | None:
    """Return {system, value} of a patient's identifiers in other id systems, None for other resources.

    `Patient.id` also counts in `own_id_systems`, where the record states no identifier of that system.
    """
    if resource.get("resourceType") != "Patient":
        return None
    id_systems = {link.system: link.id_system for link in contract.linked_identifiers}
    links = [
        {"system": id_systems[system], "value": value}
        for system, value in business_identifiers(resource)
        if system in id_systems
    ]
    stated = {link["system"] for link in links}
    own = resource.get("id")
    links += [
        {"system": system, "value": own}
        for system in own_id_systems
        if system not in stated and isinstance(own, str)
    ]
    return links


def unlike_linked_identifiers(resource: Resource, contract: DatasetContract) -> bool:
    """Whether a patient states an identifier that is not of the form its id system has, or a placeholder."""
    if resource.get("resourceType") != "Patient":
        return False
    patterns = {link.system: link.id_pattern for link in contract.linked_identifiers}
    return any(
        not re.fullmatch(patterns[system], value)
        or len(value) > ID_LIMIT
        or (contract.subject is not None and is_placeholder(value, contract.subject))
        for system, value in business_identifiers(resource)
        if system in patterns
    )


def known_identifiers(patient: Resource) -> list[tuple[str, str]]:
    """Return (kind, value) of everything in a patient's record that names them, each once."""
    found = [
        *_names(patient),
        *(("identifier", value) for _, value in business_identifiers(patient)),
        *_contacts(patient),
        *_addresses(patient),
    ]
    return list(dict.fromkeys((kind, value.strip()) for kind, value in found if value.strip()))


def _names(patient: Resource) -> Iterator[tuple[str, str]]:
    for name in _objects(patient.get("name")):
        given, family = _texts(name.get("given")), _texts(name.get("family"))
        yield from (("name", text) for text in (*given, *family, *_texts(name.get("text"))))
        if given and family:
            yield "name", " ".join([*given, *family])
            yield "name", f"{given[0]} {family[0]}"
    for extension in _objects(patient.get("extension")):
        if extension.get("url") == _MAIDEN_NAME:
            yield from (("name", text) for text in _texts(extension.get("valueString")))


def _contacts(patient: Resource) -> Iterator[tuple[str, str]]:
    for contact in _objects(patient.get("telecom")):
        kind = "email" if contact.get("system") == "email" else "phone"
        yield from ((kind, text) for text in _texts(contact.get("value")))


def _addresses(patient: Resource) -> Iterator[tuple[str, str]]:
    for address in _objects(patient.get("address")):
        for key in ("line", "city", "postalCode", "text"):
            yield from (("address", text) for text in _texts(address.get(key)))


def _objects(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
