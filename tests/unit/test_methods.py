from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from handled_columns import column, context

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import ContractError
from lakehouse.methods import apply_column, find_method, find_transform, method_names, transform_names
from lakehouse.methods.shift_dates import shift_from_key

PROJECT = Path(__file__).resolve().parents[2]


def handled(values, of, subjects=None, **columns):
    """Return (values, rejected) of one column after its method and its contract's limits."""
    values = pa.array(values) if not isinstance(values, pa.Array) else values
    around = context(subjects or ["ann"] * len(values), **columns)
    applied = apply_column(values, of, around)
    return applied.values.to_pylist(), dict(applied.rejected)


def test_codes_become_words():
    """Codes as text, integer or float are the same code; one that has no word is refused."""
    words = {"1": "male", "2": "female"}
    assert handled([1.0, 2.0, None, 3.0], column("recode", map=words)) == (
        ["male", "female", None, None], {3: "out_of_range"},
    )  # fmt: skip
    assert handled(["1", " 2"], column("recode", map=words))[0] == ["male", "female"]
    assert handled(["7"], column("recode", map=words, otherwise="other")) == (["other"], {})


def test_metres_and_centimetres_are_one_height():
    """1.74 and 174 are 1.74 m; 17.4 is neither."""
    units = [
        {"unit": "m", "minimum": 1.0, "maximum": 2.3, "factor": 1.0},
        {"unit": "cm", "minimum": 100, "maximum": 230, "factor": 0.01},
    ]
    values, rejected = handled([1.74, 174.0, 17.4, None], column("harmonise", "number", units=units))
    assert values[:2] == [1.74, pytest.approx(1.74)]
    assert (values[2:], rejected) == ([None, None], {2: "out_of_range"})


def test_units_whose_ranges_overlap_are_refused():
    """A value that could be of two units has no meaning."""
    units = [
        {"unit": "kg", "minimum": 20, "maximum": 300, "factor": 1},
        {"unit": "lb", "minimum": 44, "maximum": 660, "factor": 0.45},
    ]
    with pytest.raises(ContractError, match="overlap"):
        handled([70.0], column("harmonise", "number", units=units))


@pytest.mark.parametrize(
    ("age", "band"), [(0, "0-19"), (19, "0-19"), (20, "20-39"), (79, "60-79"), (80, "80+"), (130, "80+")]
)
def test_an_age_falls_into_one_band(age, band):
    """Bands of 20 years begin at multiples of 20; the last one is open."""
    assert handled([age], column("age_band", width=20, top=80)) == ([band], {})


def test_an_age_no_one_has_is_refused():
    """Neither -1 nor 131 has a band; nothing is clamped."""
    assert handled([-1, 131], column("age_band", width=20, top=80))[1] == dict.fromkeys(
        [0, 1], "out_of_range"
    )


@pytest.mark.parametrize(
    ("birth", "age"),
    [
        ("1966-01-01", 60), ("1966-01-02", 59), ("1964-02-29", 61),
        ("1930-05-05", 90), ("1966", 59), ("1966-01", 59), ("2026-01-01", 0),
    ],
)  # fmt: skip
def test_age_in_completed_years(birth, age):
    """On 2026-01-01, capped at 90; a date that names only a year means its middle."""
    assert handled([birth], column("age_at", "integer", date="2026-01-01", top=90)) == ([age], {})


def test_births_that_cannot_be_are_refused():
    """After the reference date, or no date at all."""
    _, rejected = handled(["2026-01-02", "soon", None], column("age_at", "integer", date="2026-01-01"))
    assert rejected == {0: "out_of_range", 1: "not_a_date"}


def test_a_cap_keeps_what_is_below_it():
    """97 becomes 90, null stays null."""
    assert handled([89.0, 90.0, 97.0, None], column("top_code", "integer", top=90)) == (
        [89, 90, 90, None], {},
    )  # fmt: skip


def test_a_gap_is_filled_where_the_rule_holds():
    """A control without a stage has stage 0; a patient without one has none; what is there stays."""
    stage = column("fill_where", "number", column="group", equals=["2"], value=0.0)
    groups = pa.array([2, 1, 2], pa.int64())
    assert handled([None, None, 1.5], stage, group=groups) == ([0.0, None, 1.5], {})


def test_the_value_stands_in_the_column_that_is_named():
    """Walk 10's speed is that of speed_10; walk 5 is not listed."""
    speed = column("pick", "number", columns={"1": "speed_01", "10": "speed_10"})
    assert handled([1, 10, 5], speed, speed_01=[1.1, 1.2, 1.3], speed_10=[0.1, 0.2, 0.3]) == (
        [1.1, 0.2, None], {},
    )  # fmt: skip


def test_a_persons_dates_move_together():
    """Same days for every date and timestamp of a person, other days for another; never 0, within a year."""
    day, moment = date(2021, 3, 3), datetime(2021, 3, 3, 10, tzinfo=UTC)
    days, _ = handled([day, day], column("shift_dates", "date"), subjects=["ann", "ben"])
    moments, _ = handled([moment], column("shift_dates", "timestamp"), subjects=["ann"])
    assert days[0] - day == moments[0] - moment != timedelta(0)
    assert days[0] != days[1]
    assert all(timedelta(0) < abs(shifted - day) <= timedelta(days=365) for shifted in days)


def test_the_shift_is_even_and_never_nothing():
    """Each of the 730 shifts belongs to its own remainder; 0 to none."""
    shifts = [shift_from_key(step.to_bytes(8, "big") + bytes(24)) for step in range(730)]
    assert sorted(shifts) == [day for day in range(-365, 366) if day != 0]


def test_dates_as_sources_write_them():
    """FHIR's offsets are read, and what is no date is refused without its value."""
    texts = ["1978-11-01T05:35:54+02:00", "yesterday", None]
    values, rejected = handled(texts, column("shift_dates", "timestamp"))
    assert (values[0].hour, values[1:], rejected) == (3, [None, None], {1: "not_a_date"})


def test_a_date_of_nobody_cannot_be_shifted():
    """Without a subject there is no shift, and the date must not leave as it is."""
    assert handled(["2021-03-03"], column("shift_dates", "date"), subjects=[None]) == (
        [None],
        {0: "no_person"},
    )


def test_a_reference_and_its_record_get_one_id():
    """`urn:uuid:x`, `Encounter/x` and `x` meet for one person; for another person x is another id."""
    values, _ = handled(
        ["urn:uuid:x", "Encounter/x", "x", "x"], column("keyed_id"), subjects=["ann", "ann", "ann", "ben"]
    )
    assert values[0] == values[1] == values[2] != values[3]
    assert all(len(bytes.fromhex(value)) == 16 for value in values)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", ["1.5", "x", "inf"], ([1.5, None, None], {1: "not_a_number", 2: "not_a_number"})),
        ("number", [1.5, float("nan"), None], ([1.5, None, None], {})),
        ("integer", ["2.0", "2.5"], ([2, None], {1: "not_a_number"})),
        ("boolean", ["true", "0", "perhaps"], ([True, False, None], {2: "not_a_number"})),
        ("text", [2.0, 2.5], (["2", "2.5"], {})),
    ],
)
def test_values_are_held_against_their_type(kind, values, expected):
    """What does not fit is refused; a number that is not finite is null in silver."""
    assert handled(values, column("keep", kind)) == expected


def test_values_are_held_against_their_limits():
    """Range, allowed labels and nulls, each with its reason."""
    ranged = column("keep", "number", changes={"minimum": 0.0, "maximum": 4.0})
    assert handled([-0.1, 4.1, 2.0], ranged)[1] == {0: "out_of_range", 1: "out_of_range"}
    listed = column("keep", changes={"allowed": ("female", "male")})
    assert handled(["female", "f", None], listed)[1] == {1: "out_of_range"}
    needed = column("keep", changes={"nullable": False})
    assert handled(["x", None], needed)[1] == {1: "missing_value"}


def test_methods_are_found_by_name():
    """The error for an unknown name lists what exists."""
    assert {"keep", "redact", "shift_dates"} <= set(method_names())
    assert set(transform_names()) == {"rows", "fhir_resources", "gait_features"}
    with pytest.raises(ContractError) as refused:
        find_method("blur")
    assert refused.value.facts["allowed"] == list(method_names())
    with pytest.raises(ContractError):
        find_transform("keep")


def test_every_silver_contract_names_methods_that_exist():
    """A handling or transform of a shipped contract is never a typing error."""
    for contract in load_contracts(PROJECT / "expectations").of_layer("silver"):
        assert contract.transform in transform_names(), contract.file
        assert {own.handling.method for own in contract.columns} <= set(method_names()), contract.file


def test_no_silver_column_keeps_a_direct_identifier():
    """Silver has no column of sensitivity direct; free text is there redacted only."""
    for contract in load_contracts(PROJECT / "expectations").of_layer("silver"):
        for own in contract.columns:
            assert own.sensitivity != "direct", (contract.file, own.name)
            assert own.sensitivity != "free_text" or own.handling.method == "redact", (
                contract.file,
                own.name,
            )
