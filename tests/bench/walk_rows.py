"""Generated walks of any number of people, 10,000 samples each, and their demographics: nobody's data."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lakehouse.samples.demographics import demographics_text
from lakehouse.samples.gait_signal import walk_signal, walk_text
from lakehouse.samples.people import make_people

WALKS, SAMPLES = 4, 2_500
ROWS = WALKS * SAMPLES
"""Rows a person."""


def write_people(folder: Path, rows: int, *, seed: int = 1) -> Path:
    """Write the demographics of the people of `rows` samples."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "demographics.txt"
    path.write_text(demographics_text(make_people(rows // ROWS, seed), seed))
    return path


def write_walks(folder: Path, rows: int, *, seed: int = 1) -> Iterator[Path]:
    """Write the walks of the same people one by one, and yield each file."""
    for person in make_people(rows // ROWS, seed):
        for walk in range(1, WALKS + 1):
            draw = np.random.default_rng([seed, *person.gait_id.encode(), walk])
            path = folder / f"{person.gait_id}_{walk:02}.txt"
            path.write_bytes(walk_text(walk_signal(person.style, draw)[:SAMPLES]))
            yield path
