"""A generated registry: ten columns, four of them identifiers, text from 500 phrases. Nobody's data."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

COLUMNS = ("person_id", "name", "phone", "insurance_number", "age", "sex", "region", "diagnosis", "score",
           "remark")  # fmt: skip
PHRASES = 500
PIECE = 50_000
GIVEN = ("Ana", "Bela", "Carl", "Dora", "Emil", "Frieda", "Georg", "Hanna", "Igor", "Jana")
FAMILY = ("Aster", "Birch", "Cedar", "Daisy", "Elder", "Fern", "Gorse", "Hazel", "Iris", "Juniper")
FINDINGS = ("gait is steady", "walks with a cane", "reports pain in the left knee", "sleeps badly",
            "tremor at rest", "no complaint", "balance has improved", "feels dizzy when standing up",
            "came with a relative", "takes the medicine as advised")  # fmt: skip


def write_registry(folder: Path, rows: int, *, entries: int = 1, seed: int = 1) -> list[Path]:
    """Write `rows` entries, `entries` a person, as CSV files of at most 50,000 rows; one file at a time."""
    folder.mkdir(parents=True)
    written = []
    for number, first in enumerate(range(0, rows, PIECE)):
        draw = np.random.default_rng([seed, number])
        size = min(PIECE, rows - first)
        path = folder / f"registry-{number:04d}.csv"
        pyarrow.csv.write_csv(_entries(draw, np.arange(first, first + size) // entries), path)
        written.append(path)
    return written


def phrases() -> list[str]:
    """Return the 500 remarks; one in ten names a colleague, so that redaction has something to find."""
    said = [f"{FINDINGS[number % 10]}, visit {number // 10 + 1}" for number in range(PHRASES)]
    return [f"{text}, seen by Dr. {FAMILY[n // 50]}" if n % 10 == 0 else text for n, text in enumerate(said)]


def _entries(draw: np.random.Generator, people: "np.ndarray") -> pa.Table:
    size = len(people)
    remarks = pa.array(phrases()).take(pa.array(draw.integers(0, PHRASES, size)))
    columns = (
        [f"R{person:08d}" for person in people],
        [f"{GIVEN[person % 10]} {FAMILY[person // 10 % 10]}-{person:x}" for person in people],
        [f"+4930{person:08d}" for person in people],
        [f"Q{person:09d}" for person in people],
        draw.integers(18, 95, size),
        pa.array(["f", "m"]).take(pa.array(draw.integers(0, 2, size))),
        draw.integers(1, 17, size),
        draw.integers(1, 9, size),
        np.round(draw.uniform(0, 100, size), 1),
        remarks,
    )
    return pa.table(dict(zip(COLUMNS, map(pa.array, columns), strict=True)))
