"""Numbers and times that break programs: each follows a rule that docs/engineer.md names."""

import math
from datetime import UTC, datetime

import pytest
from hostile_contracts import read_bytes as read_file
from hostile_contracts import read_rows, readings, row, shipped, verdicts

from lakehouse.adapters.batch_checks import check_batch
from lakehouse.readers import casting

NOW = datetime(2026, 1, 1, tzinfo=UTC)

NUMBERS = {
    "inf": "not_finite",
    "-Infinity": "not_finite",
    "NaN": "not_finite",
    "1e400": "not_finite",
    "-1e400": "not_finite",
    "1e-400": "not_exact",
    "5e-324": "accepted",
    "9007199254740992": "accepted",
    "9007199254740993": "not_exact",
    "-9007199254740993": "not_exact",
    "1e22": "accepted",
    "-0.0": "accepted",
    "0e9999": "accepted",
    "1,5": "wrong_column_count",
    "1.5.2": "not_a_number",
    "1_000": "not_a_number",
    "0x1F": "not_a_number",
    "１２": "not_a_number",
    "١٢": "not_a_number",
    "1e99999": "not_a_number",
    "": "accepted",
}


@pytest.mark.parametrize(("text", "verdict"), NUMBERS.items(), ids=NUMBERS)
def test_each_number_follows_its_rule(text: str, verdict: str) -> None:
    found = read_rows([row(force=text)], readings(increasing=None))
    assert verdicts(found) == [verdict]
    assert all(value is None or math.isfinite(value) for value in found.rows["force"].to_pylist())


def test_negative_zero_is_zero() -> None:
    """One number has one content digest, in every format."""
    (value,) = read_rows([row(force="-0.0")]).rows["force"].to_pylist()
    assert math.copysign(1, value) == 1
    walk = "\t".join(["0.01", *["-0.0"] * 18]).encode()
    (value,) = read_file(shipped("gait_walks"), walk, "GaPt03_01.txt").rows["l1"].to_pylist()
    assert math.copysign(1, value) == 1


def test_whole_numbers_keep_every_digit() -> None:
    found = read_rows([row(steps="9007199254740993"), row(steps="9" * 19, at="2024-05-03T10:00:00")])
    assert found.rows["steps"].to_pylist() == [2**53 + 1]
    assert verdicts(found) == ["accepted", "not_a_number"]


def test_a_reader_that_rounds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant keeps what double precision makes of 2^53 + 1."""
    monkeypatch.setattr(casting, "_is_kept", lambda _text: True)
    assert verdicts(read_rows([row(force="9007199254740993")])) != ["not_exact"]


TIMES = {
    "2024-02-30T10:00:00": "not_a_date",
    "2023-02-29": "not_a_date",
    "2024-02-29": "accepted",
    "2024-13-01": "not_a_date",
    "2024-05-02T25:00:00": "not_a_date",
    "2024-05-02T10:00:60": "not_a_date",
    "9999-12-31T23:59:59": "out_of_time",
    "9999-12-31T23:59:59-14:00": "not_a_date",
    "0001-01-01T00:00:00+14:00": "not_a_date",
    "1970-01-01T00:00:00": "out_of_time",
    "1999-12-31T23:30:00Z": "out_of_time",
    "2099-12-31T23:30:00Z": "accepted",
    "1714644000": "not_a_date",
    "02/05/2024": "not_a_date",
    "2024-05-02 10:00": "accepted",
    "２０２４-05-02": "not_a_date",
    "2024-03-31T02:30:00": "no_such_time",
    "2024-10-27T02:30:00": "no_such_time",
    "2024-03-31T02:30:00Z": "accepted",
    "2024-10-27T02:30:00+02:00": "accepted",
}


@pytest.mark.parametrize(("text", "verdict"), TIMES.items(), ids=TIMES)
def test_each_time_follows_its_rule(text: str, verdict: str) -> None:
    """The contract's zone is Europe/Paris: an hour is lost in March, one comes twice in October."""
    assert verdicts(read_rows([row(at=text)])) == [verdict]


def test_a_time_without_zone_is_that_of_the_contract() -> None:
    found = read_rows([row(at="2024-07-01T12:00:00"), row(at="2024-12-01T12:00:00")])
    assert [at.isoformat() for at in found.rows["at"].to_pylist()] == [
        "2024-07-01T10:00:00+00:00",
        "2024-12-01T11:00:00+00:00",
    ]


def test_a_reader_that_guesses_the_lost_hour_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant is `datetime` itself: it shifts a time that never was by an hour."""
    zone = casting.ZoneInfo("Europe/Paris")
    guessed = datetime.fromisoformat("2024-03-31T02:30:00").replace(tzinfo=zone).astimezone(UTC)
    assert guessed.astimezone(zone).hour == 3
    monkeypatch.setattr(casting, "parse_moment", lambda _text, _zone: guessed)
    assert verdicts(read_rows([row(at="2024-03-31T02:30:00")])) != ["no_such_time"]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        ("2025-12-31T00:00:00Z", "accepted"),
        ("2026-01-01T23:00:00Z", "accepted"),
        ("2026-01-02T01:00:00Z", "out_of_time"),
        ("2036-01-01T00:00:00Z", "out_of_time"),
    ],
)
def test_a_clock_that_runs_ahead_is_told_by_that_of_landing(at: str, verdict: str) -> None:
    """A day is forgiven, ten years are not; the row says whose it is and keeps its values."""
    (checked,) = check_batch(readings(), [read_rows([row(at=at)])], NOW)
    assert verdicts(checked) == [verdict]
    for aside in checked.rejected:
        assert (aside.person_id, aside.column, b"P01" in aside.raw) == ("P01", "at", True)


def test_stamps_that_do_not_grow_are_set_aside() -> None:
    """Times 1, 3, 2, 3, 4: the second 3 is a duplicate, 2 comes late."""
    rows = [row(at=f"2024-05-02T10:00:0{second}", note=f"n{n}") for n, second in enumerate([1, 3, 2, 3, 4])]
    assert verdicts(read_rows(rows)) == ["accepted", "accepted", "not_in_order", "not_in_order", "accepted"]
    assert verdicts(read_rows(rows, readings(increasing=None))) == ["accepted"] * 5


def test_a_row_set_aside_does_not_set_the_pace() -> None:
    """A stamp of the year 9999 is out of time; those behind it are not late."""
    rows = [row(at="9999-01-01T00:00:00"), row(at="2024-05-02T10:00:00")]
    assert verdicts(read_rows(rows)) == ["out_of_time", "accepted"]


def test_samples_of_a_walk_that_come_late_are_set_aside() -> None:
    """One go and line by line agree."""
    times = ["0.00", "0.02", "0.01", "0.02", "0.03"]
    walk = "\n".join("\t".join([time, *[f"{n}.5"] * 18]) for n, time in enumerate(times)).encode()
    found = read_file(shipped("gait_walks"), walk, "GaPt03_01.txt")
    assert verdicts(found) == ["accepted", "accepted", "not_in_order", "not_in_order", "accepted"]
    assert found.rows["sample"].to_pylist() == [0, 1, 4]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-1e400", "01", "0x1", "1."])
def test_json_has_no_such_numbers(number: str) -> None:
    line = f'{{"note_id":"n1","person_id":"C-1","text":"t","extra":{number}}}'.encode()
    assert verdicts(read_file(shipped("clinic_notes"), line)) == ["invalid_json"]
