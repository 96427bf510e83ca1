"""The SQL that ships beside the gold contracts, on Spark."""

from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.site_file import read_site_file

pytestmark = pytest.mark.spark

GOLD = Path(__file__).parents[2] / "expectations" / "gold"
SPEEDS = [0.5, 0.7, 0.9, 1.1, None]


def run(folder: Path, product: str, views: dict[str, pa.Table]) -> list[dict[str, object]]:
    lake = DeltaLake(folder / "lake", folder / "work", read_site_file().engine)
    portions = {name: [rows] for name, rows in views.items()}
    rows = lake.sql((GOLD / f"{product}.sql").read_text(encoding="utf-8"), portions)
    return rows.sort_by("subject").to_pylist()


def people(subjects: list[str]) -> pa.Table:
    count = len(subjects)
    return pa.table(
        {
            "subject": subjects,
            "sex": ["male"] * count,
            "age": pa.array([70] * count, pa.int64()),
            "age_band": ["60-79"] * count,
            "group": ["control"] * count,
            "hoehn_yahr": [0.0] * count,
        }
    )


def walks(subjects: list[str]) -> pa.Table:
    """Two walks a person: the usual one, and the dual task, which is slower by 0.4 m/s."""
    speeds = [*SPEEDS, *(None if speed is None else speed - 0.4 for speed in SPEEDS)]
    count = len(subjects)
    return pa.table(
        {
            "subject": subjects * 2,
            "study": ["Ga"] * 2 * count,
            "walk": pa.array([1] * count + [10] * count, pa.int64()),
            "stride_time_s": [1.0] * 2 * count,
            "stride_time_cv": [0.02] * 2 * count,
            "swing_asymmetry": [0.1] * 2 * count,
            "speed_m_s": pa.array(speeds, pa.float64()),
        }
    )


def quarters(folder: Path, subjects: list[str], order: list[int]) -> dict[str, object]:
    views = {"gait_people": people(subjects), "gait_features": walks(subjects)}
    shuffled = {name: rows.take(order) if len(rows) == len(order) else rows for name, rows in views.items()}
    found = run(folder, "gait_people_open", shuffled)
    return {str(row["subject"]): row["speed_m_s_quartile"] for row in found}


def test_quarters_are_of_usual_walks_and_unknown_stays_unknown(tmp_path: Path) -> None:
    """Percentiles of 0.5 0.7 0.9 1.1 are 0.65, 0.8, 0.95: one person a quarter."""
    names = ["a", "b", "c", "d", "e"]
    assert quarters(tmp_path, names, [0, 1, 2, 3, 4]) == {"a": 1, "b": 2, "c": 3, "d": 4, "e": None}


def test_neither_order_nor_pseudonyms_move_anybody_to_another_quarter(tmp_path: Path) -> None:
    found = quarters(tmp_path, ["z", "y", "x", "w", "v"], [3, 1, 4, 0, 2])
    assert found == {"z": 1, "y": 2, "x": 3, "w": 4, "v": None}


def test_a_person_without_a_walk_is_among_the_people_but_in_no_cohort(tmp_path: Path) -> None:
    views = {"gait_people": people([*"abcde", "f"]), "gait_features": walks([*"abcde"])}
    assert len(run(tmp_path, "gait_people_open", views)) == 6
    cohort = run(tmp_path, "gait_by_cohort", views)
    assert [(row["subject"], row["walks"]) for row in cohort] == [(name, 2) for name in "abcde"]


def test_a_person_without_a_condition_counts_in_the_population(tmp_path: Path) -> None:
    conditions = pa.table(
        {"subject": ["a", "a", "a"], "code": ["1", "1", "2"], "display": ["flu", "flu", None]}
    )
    found = run(tmp_path, "conditions_by_age", {"patients": people(["a", "b"]), "conditions": conditions})
    assert sorted((str(row["subject"]), row["condition"] or "") for row in found) == [
        ("a", "2"),
        ("a", "flu"),
        ("b", ""),
    ]
