"""Generated people: who they are, and how their disease shows in their walk."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING

from lakehouse.errors import WrongUse

if TYPE_CHECKING:
    from faker import Faker

FEWEST_PEOPLE = 10
MOST_PEOPLE = 1000
REFERENCE_DAY = date(2024, 6, 30)
"""The day on which everyone has the age that the demographics state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaitStyle:
    """How a person walks. stance_share: part of a stride with the foot on the ground.

    variation and asymmetry are shares of the stride; load: force on the insoles while walking, in N.
    """

    stride_time_s: float
    variation: float
    asymmetry: float
    stance_share: float
    load: float
    speed_m_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One generated person. stage: Hoehn and Yahr, 0 for controls."""

    gait_id: str
    fhir_id: str
    clinic_id: str
    study: str
    patient: bool
    number: int
    sex: str
    given: str
    family: str
    birth_date: date
    age: int
    height_m: float
    weight_kg: float
    stage: float
    phone: str
    email: str
    street: str
    city: str
    state: str
    postcode: str
    ssn: str
    record_number: str
    style: GaitStyle


def make_people(count: int, seed: int) -> list[Person]:
    """Return `count` people: three in five walked in study Ga, a little over half are patients.

    Raises:
        WrongUse: fewer than 10 or more than 1000.
    """
    if not FEWEST_PEOPLE <= count <= MOST_PEOPLE:
        raise WrongUse(
            f"{count} people cannot be generated",
            remedy=f"--people takes {FEWEST_PEOPLE} to {MOST_PEOPLE}",
        )
    from faker import Faker

    faker = Faker("en_US")
    faker.seed_instance(seed)
    rng = Random(f"people/{seed}")
    numbers: dict[tuple[str, bool], int] = {}
    people = []
    for position in range(count):
        cohort = ("Ga" if position % 5 < 3 else "Ju", position % 16 not in (0, 2, 5, 7, 8, 11, 14))
        numbers[cohort] = numbers.get(cohort, 0) + 1
        clinic_id = f"C-{position + 1:04}-{rng.randrange(10**4):04}"
        people.append(_make_person(*cohort, numbers[cohort], clinic_id, faker, rng))
    return people


def _make_person(
    study: str, patient: bool, number: int, clinic_id: str, faker: "Faker", rng: Random
) -> Person:
    sex = "male" if rng.random() < 0.57 else "female"
    age = min(max(round(rng.gauss(66, 8)), 42), 88)
    stage = rng.choices((2.0, 2.5, 3.0), weights=(5, 4, 2))[0] if patient else 0.0
    height = rng.gauss(1.74, 0.06) if sex == "male" else rng.gauss(1.62, 0.06)
    weight = min(max(rng.gauss(25.5, 2.8) * height**2, 45), 120)
    given = faker.first_name_male() if sex == "male" else faker.first_name_female()
    family = faker.last_name()
    return Person(
        gait_id=f"{study}{'Pt' if patient else 'Co'}{number:02}",
        fhir_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        clinic_id=clinic_id,
        study=study,
        patient=patient,
        number=number,
        sex=sex,
        given=given,
        family=family,
        birth_date=_birth_date(age, rng),
        age=age,
        height_m=round(height, 2),
        weight_kg=round(weight),
        stage=stage,
        phone=f"{rng.randrange(201, 990)}-555-{rng.randrange(100, 10000):04}",
        email=f"{given}.{family}{rng.randrange(10, 99)}@example.org".lower(),
        street=faker.street_address(),
        city=faker.city(),
        state=faker.state_abbr(include_territories=False, include_freely_associated_states=False),
        postcode=faker.postcode(),
        ssn=f"9{rng.randrange(100):02}-{rng.randrange(10, 100)}-{rng.randrange(1000, 10000)}",
        record_number=f"MRN{rng.randrange(10**8):08}",
        style=_gait_style(stage, weight, rng),
    )


def _birth_date(age: int, rng: Random) -> date:
    """A day on which a person of this age on the reference day may be born."""
    latest = REFERENCE_DAY.replace(year=REFERENCE_DAY.year - age)
    return latest - timedelta(days=rng.randrange(365))


def _gait_style(stage: float, weight_kg: float, rng: Random) -> GaitStyle:
    """Disease lengthens stance, raises variation and asymmetry; people differ enough to overlap."""
    severity = max(rng.gauss(0.9 + 0.35 * stage if stage else 0.0, 0.5), -0.8)
    return GaitStyle(
        stride_time_s=min(max(rng.gauss(1.06 + 0.035 * severity, 0.07), 0.85), 1.5),
        variation=max(rng.gauss(0.018 + 0.007 * severity, 0.004), 0.008),
        asymmetry=abs(rng.gauss(0.006 + 0.010 * max(severity, 0), 0.006)),
        stance_share=min(max(rng.gauss(0.625 + 0.016 * severity, 0.012), 0.58), 0.72),
        load=weight_kg * 9.81 * rng.uniform(0.75, 1.5),
        speed_m_s=max(rng.gauss(1.25 - 0.14 * severity, 0.14), 0.4),
    )
