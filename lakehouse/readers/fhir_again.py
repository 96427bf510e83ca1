"""FHIR resources that were set aside, put together as a Bundle that the reader takes again.

Whom a resource is about was told within the file it came in: by its Patient's id, by the URL of that entry,
by an identifier that a contained Patient shares with it. A Patient is sealed with its URL; where the Patient
itself stands in bronze, a resource sealed under that person's key is told its person here.
Source: https://hl7.org/fhir/R4/bundle.html#references
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from lakehouse.errors import UnreadableInput
from lakehouse.readers.fhir_people import Resource, identifier_tokens, index_patients, subject_reference
from lakehouse.readers.json_values import Json, parse_json

BUNDLE_LIMIT = 2**24
"""Bytes of a Bundle that the reader takes as one document."""

Found = tuple[str | None, Resource]


def with_url(full_url: str | None, resource: Resource, raw: bytes) -> bytes:
    """Return what is sealed of a resource: in front of a Patient the URL of its entry, on a line of its own.

    A resource, in JSON, is one line: nothing that a file holds can look like one with a URL.
    """
    if full_url is None or resource.get("resourceType") != "Patient":
        return raw
    return full_url.encode("utf-8", "backslashreplace") + b"\n" + raw


def parse_entry(sealed: bytes) -> Found | None:
    """Return the URL and the resource of what was sealed, None where it is no resource in JSON."""
    url, framed, raw = sealed.rpartition(b"\n")
    try:
        found = parse_json(raw.decode())
        full_url = url.decode() if framed else None
    except (UnreadableInput, UnicodeError):
        return None
    return (full_url, found) if isinstance(found, dict) else None


def join_entries(found: Sequence[Found], patients: Sequence[str]) -> bytes:
    """Return the resources as a Bundle, in their order, and behind them the patients whom they may mean.

    More than a Bundle may hold goes a resource a line, without the URLs of entries. `patients`: ids of the
    one person whom all of them are about, none where that is not known.
    """
    meant = [(None, _patient(own)) for own in patients]
    index = index_patients([*found, *meant])
    lost = [resource for _, resource in found if patients and index.person_of(resource) is None]
    references = dict.fromkeys(reference for resource in lost for reference in _references(resource))
    told = [(reference, _patient(patients[0])) for reference in references]
    listed = [*found, *meant, *told]
    bundle = _json_line({"resourceType": "Bundle", "entry": [_entry(*entry) for entry in listed]})
    if len(bundle) <= BUNDLE_LIMIT:
        return bundle
    return b"\n".join(_json_line(resource) for _, resource in [*found, *meant])


def _json_line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _patient(own: str) -> Resource:
    return {"resourceType": "Patient", "id": own}


def _entry(url: str | None, resource: Resource) -> Mapping[str, Json]:
    return {"resource": dict(resource)} if url is None else {"fullUrl": url, "resource": dict(resource)}


def _references(resource: Resource) -> Iterable[str]:
    """Return what would have to be an entry's URL for the reference of a resource to mean its patient."""
    reference = subject_reference(resource)
    if reference is None:
        return
    if not reference.startswith("#"):
        yield reference.partition("/_history/")[0]
        return
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else []:
        if isinstance(inner, dict) and inner.get("id") == reference[1:]:
            yield from identifier_tokens(inner)
