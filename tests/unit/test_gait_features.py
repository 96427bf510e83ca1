from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from gait_signals import square_walk
from handled_columns import context

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import ContractError
from lakehouse.methods.gait_features import transform
from lakehouse.methods.gait_measures import MEASURE_NAMES, Walk

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT = load_contracts(PROJECT / "expectations").by_table["silver.gait_features"]


def bronze_walk(subject: str, file: int, walk: int = 1, hmac: str | None = None, signal: Walk | None = None):
    signal = signal or square_walk()
    count = len(signal.time_s)
    sensors = {
        f"{side}{number + 1}": signal.sensors_n[foot][:, number]
        for foot, side in enumerate("lr")
        for number in range(8)
    }
    return pa.table({
        "subject": [subject] * count, "batch": np.full(count, 1), "file": np.full(count, file),
        "row": np.arange(1, count + 1), "file_hmac": [hmac or f"hmac {file}"] * count,
        "study": ["Ga"] * count, "group": ["Pt"] * count, "walk": np.full(count, walk),
        "time_s": signal.time_s, **sensors,
        "force_left": signal.force_n[0], "force_right": signal.force_n[1],
    })  # fmt: skip


def made_of(rows, contract=CONTRACT, twofold=()):
    """Return the walks of these samples; `twofold`: digests of files that came under several people."""
    people = context(rows.column("subject").to_pylist())
    return transform(rows, contract, replace(people, twofold=lambda: frozenset(twofold)))


def walks(*tables, twofold=()):
    return made_of(pa.concat_tables(tables), twofold=twofold)


def test_one_row_a_walk_in_the_order_of_files():
    """Two walks of one person and one of another: three rows, each resting on all its samples."""
    made = walks(bronze_walk("ann", 2, walk=2), bronze_walk("ben", 3), bronze_walk("ann", 1))
    rows = made.rows.to_pylist()
    assert [(row["subject"], row["file"], row["study_walk"]) for row in rows] == [
        ("ann", 1, "Ga_01"), ("ann", 2, "Ga_02"), ("ben", 3, "Ga_01"),
    ]  # fmt: skip
    assert {row["input_rows"] for row in rows} == {6000}
    assert made.passed == 18000
    assert all(row["stride_time_s"] == pytest.approx(1.0) for row in rows)
    assert set(MEASURE_NAMES) <= set(made.rows.column_names)


def test_the_same_bytes_under_two_people_belong_to_neither():
    """Both walks are set aside, whichever came first; the same bytes under one person are not."""
    made = walks(
        bronze_walk("ann", 1, hmac="same"), bronze_walk("ben", 2, hmac="same"),
        bronze_walk("cid", 3, hmac="own"), bronze_walk("cid", 4, walk=2, hmac="own"), twofold=["same"],
    )  # fmt: skip
    assert made.rows.column("subject").to_pylist() == ["cid", "cid"]
    assert Counter(reason for _, reason, _ in made.rejected) == {"same_bytes_two_people": 12000}
    assert {row for row, _, _ in made.rejected} == set(range(12000))


def test_a_walk_without_strides_is_set_aside_with_all_its_samples():
    """received = passed + set aside, in samples."""
    short = square_walk(seconds=9)
    made = walks(bronze_walk("ann", 1), bronze_walk("ben", 2, signal=short))
    assert Counter(reason for _, reason, _ in made.rejected) == {"too_few_strides": 900}
    assert made.passed + len(made.rejected) == 6900


def test_refused_rows_are_numbered_as_they_came():
    """The index is that of the input, also where the input was not in the order of its files."""
    made = walks(bronze_walk("ann", 2), bronze_walk("ben", 1, signal=square_walk(seconds=9)))
    assert {row for row, _, _ in made.rejected} == set(range(6000, 6900))


def test_nothing_comes_of_nothing():
    """A bronze table without rows gives a silver table without rows."""
    made = walks(bronze_walk("ann", 1).slice(0, 0))
    assert (len(made.rows), made.rejected, made.passed) == (0, (), 0)


def test_a_signal_column_that_is_not_there_is_named():
    """The contract's mistake is said with its key."""
    wrong = replace(CONTRACT, transform_options={**CONTRACT.transform_options, "left_force": "force"})
    with pytest.raises(ContractError, match=r"transform_options\.left_force"):
        made_of(bronze_walk("ann", 1), wrong)


def test_the_contract_declares_every_measure_with_public_bounds():
    """Every feature of the model is a numeric column whose statistics are private."""
    for name in (*MEASURE_NAMES[:-1], "speed_m_s"):
        column = CONTRACT.column(name)
        assert (column.type, column.statistic) == ("number", "private"), name
        assert column.bounds is not None, name
