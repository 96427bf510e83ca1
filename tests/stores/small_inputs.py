"""Small inputs in the real sources' formats."""

from collections.abc import Sequence
from pathlib import Path

COLUMNS = "ID Study Group Subjnum Gender Age Height Weight HoehnYahr UPDRS UPDRSM TUAG"
SPEEDS = [f"Speed_{walk:02}" for walk in (*range(1, 8), 10)]
HEADER = [*COLUMNS.split(), *SPEEDS]
ANNA = ("GaPt03", "Ga", "1", "3", "2", "82", "1.45", "50", "3.0", "20", "10", "36.34")
BERT = ("GaCo04", "Ga", "2", "4", "1", "68", "1.71", "70", "0", "0", "0", "11.0")
CARL = ("JuPt05", "Ju", "1", "5", "1", "71", "172", "80", "2", "12", "7", "9.5")


def write_people(path: Path, people: Sequence[Sequence[str]]) -> Path:
    """Write a demographics file of these people; missing speeds are NaN."""
    rows = [[*person, *["NaN"] * (len(HEADER) - len(person))] for person in people]
    path.write_text("\n".join("\t".join(row) for row in [HEADER, *rows]) + "\n")
    return path
