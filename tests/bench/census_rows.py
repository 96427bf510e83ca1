"""Generated rows like a census: seven quasi-identifiers with hierarchies of our own, one sensitive column.

Shares are skewed as such columns are (one country has nine rows of ten); columns are drawn independently,
so rare combinations are rarer than among people and the search has more of them to join.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.core.groups import SensitiveColumn
from lakehouse.core.hierarchies import Bands, Categories, Hierarchy

AGES = (17, 90)
SIZES = {"education": 16, "marital": 7, "country": 41, "work": 8, "race": 5}
SENSITIVE = SensitiveColumn(name="occupation", ordered=False)
OCCUPATIONS = 14


def names_of(column: str, size: int) -> tuple[str, ...]:
    """Return the categories of a column."""
    return tuple(f"{column}{number:02d}" for number in range(size))


def joined(column: str, size: int, *steps: int) -> Categories:
    """Return a hierarchy that joins neighbours: `steps` categories to a group, level by level."""
    names = names_of(column, size)
    groupings = tuple(
        {name: f"{column}-{step}-{number // step}" for number, name in enumerate(names)} for step in steps
    )
    return Categories(values=names, groupings=groupings)


HIERARCHIES: dict[str, Hierarchy] = {
    "age": Bands(widths=(1, 5, 10, 20, 40), domain=AGES),
    "sex": Categories(values=("female", "male")),
    "education": joined("education", 16, 2, 4, 8),
    "marital": joined("marital", 7, 4),
    "country": joined("country", 41, 6, 14),
    "work": joined("work", 8, 4),
    "race": joined("race", 5),
}


def write_census(path: Path, rows: int, *, seed: int = 1) -> Path:
    """Write `rows` generated rows as Parquet and return the path."""
    draw = np.random.default_rng(seed)
    ages = np.clip((AGES[0] + draw.gamma(2.6, 8.5, rows)).astype(np.int64), *AGES)
    columns = {
        "age": pa.array(ages),
        "sex": _drawn(draw, ("female", "male"), (33, 67), rows),
        "education": _drawn(draw, names_of("education", 16), _falling(16, 1.3), rows),
        "marital": _drawn(draw, names_of("marital", 7), _falling(7, 1.3), rows),
        "country": _drawn(draw, names_of("country", 41), (360, *[1] * 40), rows),
        "work": _drawn(draw, names_of("work", 8), _falling(8, 1.6), rows),
        "race": _drawn(draw, names_of("race", 5), (85, 9, 3, 2, 1), rows),
        SENSITIVE.name: _drawn(draw, names_of("occupation", OCCUPATIONS), _falling(OCCUPATIONS, 0.5), rows),
    }
    pq.write_table(pa.table(columns), path)
    return path


def _falling(size: int, power: float) -> Sequence[float]:
    return [float(rank) ** -power for rank in range(1, size + 1)]


def _drawn(draw: np.random.Generator, names: Sequence[str], weights: Sequence[float], rows: int) -> pa.Array:
    shares = np.array(weights, float) / sum(weights)
    places = pa.array(draw.choice(len(names), rows, p=shares).astype(np.int32))
    return pa.DictionaryArray.from_arrays(places, pa.array(names)).cast(pa.string())
