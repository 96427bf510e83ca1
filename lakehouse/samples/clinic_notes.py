"""Notes of a clinic about the people of FHIR bundles, full of what must not leave it.

The same bundle gives the same notes. Names, birth dates, phones, addresses and record numbers are those
of the record, so that redaction can be held against it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

Resource = Mapping[str, Any]
Note = dict[str, object]

DATE_FORMATS = ("%B %d, %Y", "%m/%d/%Y", "%Y-%m-%d", "%d %b %Y")
_AUTHORS = ("Dr. Miriam Okafor", "Dr. Paul Hendricks", "Nurse Ana Sousa", "Dr. Lena Fischer")
_RELATIVES = (
    "daughter Carol",
    "son Marcus",
    "wife Helena",
    "husband George",
    "sister Ruth",
    "neighbour Mr. Dale",
)
_TEMPLATES = (
    "{title} {family} was seen on {visit} for a follow-up of {condition}. {given} reports shorter steps "
    "and two near falls since {earlier}. The {relative} can be reached at {phone}. Plan: physiotherapy, "
    "review in three months.",
    "Telephone contact with {given} {family} ({record}) on {visit}. Medication for {condition} is taken as "
    "agreed. Lives at {street}, {city}. Letter sent there on {later}.",
    "{given} {family}, born {birth}, record {record}. History of {condition}. Walks without aid, swings "
    "the left arm less than the right. Blood pressure in the usual range. Next visit {later}.",
    "Patient {family} came with the {relative} on {visit}. Gait slower than on {earlier}; turning takes "
    "four steps. Call back under {phone} once the laboratory has answered. Social security number {ssn} "
    "checked for the insurance.",
    "Discharge note. {title} {given} {family}, {street}, {city} {postcode}, was discharged on {visit} in "
    "stable condition. Diagnosis: {condition}. Copy to {email}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFacts:
    """What a note may say about a person, from their record."""

    given: str
    family: str
    title: str
    birth_date: date
    phone: str
    email: str
    street: str
    city: str
    postcode: str
    record_number: str
    ssn: str
    conditions: tuple[str, ...]
    last_visit: date


def write_notes_about(bundles: Iterable[Path], folder: Path) -> Path:
    """Write `notes.jsonl` about the patients of FHIR bundle files and return its path.

    `person_id` is the patient's id. Files that hold no bundle with a patient are passed over: what is
    wrong with them is said when they land.
    """
    lines: list[str] = []
    for path in sorted(bundles):
        bundle = _read_bundle(path)
        patient = find_patient(bundle)
        if patient is not None:
            lines += [note_line(note) for note in notes_about(bundle, str(patient["id"]))]
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "notes.jsonl"
    target.write_text("".join(lines), encoding="utf-8")
    return target


def note_line(note: Note) -> str:
    """Return a note as its line in the file."""
    return json.dumps(note, ensure_ascii=False) + "\n"


def notes_about(bundle: Resource, person_id: str) -> Iterator[Note]:
    """Yield two to four notes about a bundle's patient, in the clinic's format."""
    patient = find_patient(bundle)
    if patient is None:
        return
    facts = _note_facts(patient, _resources(bundle))
    rng = Random(f"notes/{patient['id']}")
    for number, template in enumerate(rng.sample(_TEMPLATES, rng.randint(2, 4)), 1):
        visit = facts.last_visit - timedelta(days=rng.randrange(30, 400) * (number - 1))
        written = datetime.combine(visit, time(rng.randrange(8, 18), rng.randrange(60)), UTC)
        yield {
            "note_id": f"note-{rng.getrandbits(40):010x}",
            "person_id": person_id,
            "written_at": written.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "author": rng.choice(_AUTHORS),
            "language": "en",
            "text": _fill(template, facts, visit, rng),
        }


def find_patient(bundle: Resource) -> Resource | None:
    """Return the patient of a bundle, None where it has none with an id."""
    for resource in _resources(bundle):
        if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
            return resource
    return None


def _read_bundle(path: Path) -> Resource:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _resources(bundle: Resource) -> list[Resource]:
    entries = bundle.get("entry")
    listed = [entry.get("resource") for entry in _objects(entries)]
    return [resource for resource in listed if isinstance(resource, dict)]


def _note_facts(patient: Resource, resources: Sequence[Resource]) -> NoteFacts:
    name = _first(patient.get("name"))
    address = _first(patient.get("address"))
    contacts = {item.get("system"): item.get("value") for item in _objects(patient.get("telecom"))}
    numbers = {_type_code(item): item.get("value") for item in _objects(patient.get("identifier"))}
    family = _text(name.get("family"), "Doe")
    visits = [
        _day(_first([r.get("period")]).get("start"))
        for r in resources
        if r.get("resourceType") == "Encounter"
    ]
    return NoteFacts(
        given=_text(name.get("given"), "Alex"),
        family=family,
        title="Mr." if patient.get("gender") == "male" else "Ms.",
        birth_date=_day(patient.get("birthDate")) or date(1950, 1, 1),
        phone=_text(contacts.get("phone"), "555-0100"),
        email=_text(contacts.get("email"), f"{family.lower()}@example.org"),
        street=_text(address.get("line"), "12 Main Street"),
        city=_text(address.get("city"), "Springfield"),
        postcode=_text(address.get("postalCode"), "01101"),
        record_number=_text(numbers.get("MR"), str(patient["id"])),
        ssn=_text(numbers.get("SS"), "999-00-0000"),
        conditions=tuple(_condition_names(resources)) or ("a healthy check-up",),
        last_visit=max((visit for visit in visits if visit), default=date(2019, 5, 20)),
    )


def _fill(template: str, facts: NoteFacts, visit: date, rng: Random) -> str:
    style = rng.choice(DATE_FORMATS)
    return template.format(
        title=facts.title,
        given=facts.given,
        family=facts.family,
        birth=facts.birth_date.strftime(style),
        visit=visit.strftime(style),
        earlier=(visit - timedelta(days=rng.randrange(20, 200))).strftime(style),
        later=(visit + timedelta(days=rng.randrange(2, 100))).strftime(style),
        condition=rng.choice(facts.conditions),
        relative=rng.choice(_RELATIVES),
        phone=facts.phone,
        email=facts.email,
        street=facts.street,
        city=facts.city,
        postcode=facts.postcode,
        record=facts.record_number,
        ssn=facts.ssn,
    )


def _condition_names(resources: Sequence[Resource]) -> list[str]:
    names = []
    for resource in resources:
        if resource.get("resourceType") == "Condition":
            text = _first([resource.get("code")]).get("text")
            if isinstance(text, str):
                names.append(text)
    return sorted(set(names))


def _type_code(identifier: Resource) -> object:
    return _first(_first([identifier.get("type")]).get("coding")).get("code")


def _objects(value: object) -> list[Resource]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _first(value: object) -> Resource:
    found = _objects(value)
    return found[0] if found else {}


def _text(value: object, default: str) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) and value else default


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
