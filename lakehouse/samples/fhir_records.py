"""FHIR R4 bundles of generated people: Patient, Encounter, Condition, Observation, and types nobody reads.

A patient states the gait and the clinic identifier beside the record number. One bundle holds an
observation about somebody who is not in it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from lakehouse.samples.people import REFERENCE_DAY, Person

Resource = dict[str, Any]

GAIT_SYSTEM = "urn:livinglab:gaitpdb"
CLINIC_SYSTEM = "urn:livinglab:clinic"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_CONDITIONS = (
    ("38341003", "Hypertension", 0.48),
    ("55822004", "Hyperlipidemia", 0.34),
    ("15777000", "Prediabetes", 0.28),
    ("44054006", "Diabetes mellitus type 2", 0.17),
    ("396275006", "Osteoarthritis", 0.26),
    ("35489007", "Depressive disorder", 0.15),
)
_PARKINSON = ("49049000", "Parkinson's disease", 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMaker:
    """Makes the resources of one person; ids come from the person's own generator."""

    person: Person
    rng: Random

    def new_id(self) -> str:
        """Return a fresh resource id."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def about(self, kind: str, content: Mapping[str, Any]) -> Resource:
        """Return a resource about the person."""
        subject = {"reference": f"urn:uuid:{self.person.fhir_id}"}
        return {"resourceType": kind, "id": self.new_id(), "subject": subject, **content}

    def day(self, years: float) -> date:
        """Return a day up to so many years before the reference day."""
        return REFERENCE_DAY - timedelta(days=self.rng.randrange(1, int(365 * years)))


def make_bundle(person: Person, seed: int, *, broken_reference: bool = False) -> Resource:
    """Return a person's record as a transaction bundle, as Synthea writes them."""
    maker = RecordMaker(person=person, rng=Random(f"fhir/{seed}/{person.fhir_id}"))
    visits = [_encounter(maker) for _ in range(maker.rng.randint(2, 3))]
    resources = [
        patient_resource(person),
        *visits,
        *_conditions(maker, visits),
        *(observation for visit in visits for observation in _observations(maker, visit)),
        *_unread_resources(maker),
    ]
    if broken_reference:
        stray = _observation(maker, visits[0], ("8867-4", "Heart rate", 71.0, "/min"))
        resources.append({**stray, "subject": {"reference": f"urn:uuid:{maker.new_id()}"}})
    entries = [
        {
            "fullUrl": f"urn:uuid:{resource['id']}",
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def patient_resource(person: Person) -> Resource:
    """Return the Patient with every identifier of the person."""
    return {
        "resourceType": "Patient",
        "id": person.fhir_id,
        "identifier": [
            _identifier("MR", "http://hospital.example.org/records", person.record_number),
            _identifier("SS", "http://hl7.org/fhir/sid/us-ssn", person.ssn),
            {"system": GAIT_SYSTEM, "value": person.gait_id},
            {"system": CLINIC_SYSTEM, "value": person.clinic_id},
        ],
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [
            {"system": "phone", "value": person.phone, "use": "home"},
            {"system": "email", "value": person.email},
        ],
        "gender": person.sex,
        "birthDate": person.birth_date.isoformat(),
        "address": [
            {
                "line": [person.street],
                "city": person.city,
                "state": person.state,
                "postalCode": person.postcode,
                "country": "US",
            }
        ],
    }


def _identifier(code: str, system: str, value: str) -> Resource:
    return {
        "type": {"coding": [{"system": _IDENTIFIER_TYPES, "code": code}]},
        "system": system,
        "value": value,
    }


def _concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _encounter(maker: RecordMaker) -> Resource:
    day = maker.day(4)
    return maker.about(
        "Encounter",
        {
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "type": [_concept(SNOMED, "185349003", "Encounter for check up (procedure)")],
            "period": {"start": f"{day}T09:00:00Z", "end": f"{day}T09:30:00Z"},
        },
    )


def _conditions(maker: RecordMaker, visits: Sequence[Resource]) -> list[Resource]:
    likely = [_PARKINSON] if maker.person.patient else []
    likely += [row for row in _CONDITIONS if maker.rng.random() < row[2]]
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return [
        maker.about(
            "Condition",
            {
                "clinicalStatus": {"coding": [{"system": clinical, "code": "active"}]},
                "code": _concept(SNOMED, code, display),
                "encounter": {"reference": f"urn:uuid:{visits[0]['id']}"},
                "onsetDateTime": maker.day(9).isoformat(),
                "recordedDate": visits[0]["period"]["start"],
            },
        )
        for code, display, _ in likely
    ]


def _observations(maker: RecordMaker, visit: Resource) -> list[Resource]:
    person, rng = maker.person, maker.rng
    measured = (
        ("8302-2", "Body Height", round(person.height_m * 100, 1), "cm"),
        ("29463-7", "Body Weight", round(person.weight_kg + rng.gauss(0, 1.5), 1), "kg"),
        ("8480-6", "Systolic Blood Pressure", round(rng.gauss(132, 12)), "mm[Hg]"),
        ("8867-4", "Heart rate", round(rng.gauss(72, 8)), "/min"),
    )
    return [_observation(maker, visit, row) for row in measured]


def _observation(maker: RecordMaker, visit: Resource, row: tuple[str, str, float, str]) -> Resource:
    code, display, value, unit = row
    return maker.about(
        "Observation",
        {
            "status": "final",
            "code": _concept(LOINC, code, display),
            "encounter": {"reference": f"urn:uuid:{visit['id']}"},
            "effectiveDateTime": visit["period"]["start"],
            "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
        },
    )


def _unread_resources(maker: RecordMaker) -> list[Resource]:
    """Resource types that the contract does not read."""
    procedure = _concept(SNOMED, "430193006", "Medication Reconciliation (procedure)")
    when = maker.day(3).isoformat()
    return [maker.about("Procedure", {"status": "completed", "code": procedure, "performedDateTime": when})]
