"""`demographics.txt` of generated people, with what is wrong with the real one.

Metres in study Ga and centimetres in Ju, NaN, whole numbers with and without `.0`, columns without a
name, lines of tabs alone at the end, and one identifier with a digit too many.
"""

from collections.abc import Sequence
from random import Random

from lakehouse.samples.people import Person

COLUMNS = (
    *("ID", "Study", "Group", "Subjnum", "Gender", "Age", "Height", "Weight", "HoehnYahr", "UPDRS"),
    *("UPDRSM", "TUAG", "Speed_01", "Speed_02", "Speed_03", "Speed_04", "Speed_05", "Speed_06"),
    *("Speed_07", "Speed_10"),
)
EMPTY_LINES = 12
NAMELESS_COLUMNS = 6


def demographics_text(people: Sequence[Person], seed: int) -> str:
    """Return the file: a header, a line a person, empty lines."""
    rng = Random(f"demographics/{seed}")
    mistyped = next(person for person in reversed(people) if person.study == "Ju" and not person.patient)
    header = "\t".join(COLUMNS) + "\t" * NAMELESS_COLUMNS
    lines = [_line(person, rng, mistyped=person is mistyped) for person in people]
    return "\n".join([header, *lines, *["\t" * 29] * EMPTY_LINES]) + "\n"


def _line(person: Person, rng: Random, *, mistyped: bool) -> str:
    identifier = f"Juc0{person.number:02}" if mistyped else person.gait_id
    height = f"{person.height_m:.2f}" if person.study == "Ga" else f"{round(person.height_m * 100)}"
    motor = round(person.stage * 9 + rng.uniform(-4, 4)) if person.patient else rng.choice((0, 0, 0, 1))
    speeds = [f"{person.style.speed_m_s * rng.gauss(1, 0.04):.3f}" for _ in (1, 2)]
    values = (
        identifier,
        person.study,
        "1" if person.patient else "2",
        str(person.number),
        "1" if person.sex == "male" else "2",
        f"{person.age}.0" if rng.random() < 0.1 else str(person.age),
        height,
        "NaN" if rng.random() < 0.03 else str(round(person.weight_kg)),
        _stage(person),
        "NaN" if rng.random() < 0.03 else str(round(motor * 1.6)),
        str(motor),
        f"{8.2 + 3.4 * (1.25 - person.style.speed_m_s) + rng.uniform(0, 3):.2f}",
        *speeds,
        *["NaN"] * 6,
    )
    return "\t".join(values) + "\t" * (NAMELESS_COLUMNS if person.study == "Ga" else 1)


def _stage(person: Person) -> str:
    """Study Ju left the stage of its controls out; some wrote `2` where others wrote `2.0`."""
    if not person.patient:
        return "NaN" if person.study == "Ju" else "0"
    return f"{person.stage:g}" if person.number % 3 == 0 else f"{person.stage:.1f}"
