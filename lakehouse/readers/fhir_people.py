"""Whom a FHIR resource is about: references resolved within the file that they came in.

Source: https://hl7.org/fhir/R4/references.html and bundle.html#references
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lakehouse.readers.json_values import Json

Resource = Mapping[str, Json]
_SUBJECT_KEYS = ("subject", "patient")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIndex:
    """The patients of a file: `Patient.id` by every reference that means them."""

    by_reference: Mapping[str, str]

    def person_of(self, resource: Resource) -> str | None:
        """Return the `Patient.id` that a resource is about, None where it cannot be told."""
        if resource.get("resourceType") == "Patient":
            own = resource.get("id")
            return own if isinstance(own, str) else None
        reference = subject_reference(resource)
        if reference is None:
            return None
        if reference.startswith("#"):
            return self._contained(resource, reference[1:])
        return self.by_reference.get(reference.partition("/_history/")[0])

    def _contained(self, resource: Resource, name: str) -> str | None:
        """A contained patient stands for the one of the file that has one of their identifiers."""
        contained = resource.get("contained")
        for inner in contained if isinstance(contained, list) else []:
            if isinstance(inner, dict) and inner.get("id") == name and inner.get("resourceType") == "Patient":
                found = {self.by_reference.get(token) for token in identifier_tokens(inner)} - {None}
                return found.pop() if len(found) == 1 else None
        return None

    @staticmethod
    def names_someone(resource: Resource) -> bool:
        """Whether the resource claims to be about anyone at all."""
        return any(key in resource for key in _SUBJECT_KEYS)


def index_patients(entries: Iterable[tuple[str | None, Resource]]) -> PatientIndex:
    """Return the index of a file's patients. entries: full URL (or None) and resource.

    What two patients claim (an identifier, a URL) means neither of them.
    """
    by_reference: dict[str, str] = {}
    claimed_twice: set[str] = set()
    for full_url, resource in entries:
        own = resource.get("id")
        if resource.get("resourceType") != "Patient" or not isinstance(own, str):
            continue
        for reference in (f"Patient/{own}", f"urn:uuid:{own}", full_url, *identifier_tokens(resource)):
            if reference and by_reference.setdefault(reference, own) != own:
                claimed_twice.add(reference)
    return PatientIndex(
        by_reference={text: own for text, own in by_reference.items() if text not in claimed_twice}
    )


def subject_reference(resource: Resource) -> str | None:
    """Return the reference to the patient as it is written."""
    for key in _SUBJECT_KEYS:
        subject = resource.get(key)
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if isinstance(reference, str):
            return reference
    return None


def identifier_tokens(resource: Resource) -> list[str]:
    """Return a patient's identifiers as `system|value`."""
    return [f"{system}|{value}" for system, value in business_identifiers(resource)]


def business_identifiers(resource: Resource) -> list[tuple[str, str]]:
    """Return (system, value) of each identifier of a resource that has both."""
    listed = resource.get("identifier")
    pairs = []
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict):
            system, value = item.get("system"), item.get("value")
            if isinstance(system, str) and isinstance(value, str):
                pairs.append((system, value))
    return pairs
