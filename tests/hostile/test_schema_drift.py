"""A source that changes its files without a word: twelve ways, each by the contract's policy."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hostile_contracts import PLAIN, READINGS, read_bytes, readings, shipped, verdicts

from lakehouse.readers import column_drift
from lakehouse.readers import csv as csv_reader
from lakehouse.readers.input_files import FileRows

COLUMNS = list(PLAIN)
USUAL = [
    {**column, "usual_median": [0.5, 5]} if column["name"] == "force" else column
    for column in READINGS["column"]
]


def table(rename: dict[str, str] | None = None, rows: int = 24, **changes: Any) -> list[list[str]]:
    """A header and rows of readings; `changes` by column: a text, or a function of the row's number."""
    names = [(rename or {}).get(name, name) for name in COLUMNS]
    made = [names]
    for number in range(rows):
        own = {**PLAIN, "at": f"2024-05-02T10:{number:02}:00", "device": "D1", "steps": str(number)}
        own |= {name: value(number) if callable(value) else value for name, value in changes.items()}
        made.append([own[name] for name in COLUMNS])
    return made


def text(rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    return "\n".join(delimiter.join(row) for row in rows).encode(encoding) + b"\n"


def without(rows: list[list[str]], name: str) -> list[list[str]]:
    place = rows[0].index(name)
    return [row[:place] + row[place + 1 :] for row in rows]


def added(rows: list[list[str]], name: str, value: str) -> list[list[str]]:
    return [[*rows[0], name], *([*row, value] for row in rows[1:])]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A changed file; whole: why it is set aside as one; rows: why each of its rows is."""

    data: bytes
    whole: str | None = None
    column: str | None = None
    rows: str = "accepted"
    contract: dict[str, Any] = field(default_factory=dict)


SEALED = {"drift": {"added": "set_aside"}}
DRIFTS = {
    "nothing changed": Drift(data=text(table())),
    "1 a column added": Drift(data=text(added(table(), "mood", "fine"))),
    "1 a column added, where the contract forbids it": Drift(
        data=text(added(table(), "mood", "fine")), whole="column_added", contract=SEALED
    ),
    "2 a column gone": Drift(data=text(without(table(), "note")), whole="column_gone", column="note"),
    "2 a column gone, where the contract allows it": Drift(
        data=text(without(table(), "note")), contract={"drift": {"gone": "null"}}
    ),
    "2 the person gone, whatever is allowed": Drift(
        data=text(without(table(), "person")),
        whole="column_gone",
        column="person",
        contract={"drift": {"gone": "null"}},
    ),
    "3 a column renamed": Drift(data=text(table({"steps": "pas"})), whole="column_gone", column="steps"),
    "4 other case": Drift(data=text(table({"steps": "Steps"})), whole="column_gone", column="steps"),
    "5 other order": Drift(data=text([row[::-1] for row in table()])),
    "6 a column twice": Drift(
        data=text(added(table(), "steps", "7")), whole="column_repeated", column="steps"
    ),
    "7 numbers became text": Drift(data=text(table(steps="many")), rows="not_a_number"),
    "8 dates written otherwise": Drift(
        data=text(table(at=lambda n: f"02/05/2024 10:{n:02}")), rows="not_a_date"
    ),
    "9 newtons became kilograms-force": Drift(
        data=text(table(force="0.153")), whole="unit_changed", column="force", contract={"column": USUAL}
    ),
    "10 another delimiter": Drift(data=text(table(), ";"), whole="column_gone", column="person"),
    "11 no header any more": Drift(data=text(table()[1:]), whole="column_gone", column="person"),
    "12 another encoding": Drift(data=text(table(note="né"), encoding="cp1252"), rows="bad_encoding"),
    "13 decimal comma": Drift(data=text(table(force='"1,5"')), rows="not_a_number"),
    "14 a number for missing": Drift(
        data=text(table(born="1800-01-01")), rows="out_of_time"
    ),
}  # fmt: skip


def found_in(drift: Drift) -> FileRows:
    return read_bytes(readings(**drift.contract), drift.data)


@pytest.mark.parametrize("name", DRIFTS)
def test_each_drift_follows_its_policy(name: str) -> None:
    drift = DRIFTS[name]
    found = found_in(drift)
    if drift.whole:
        assert [(aside.reason, aside.column, aside.raw) for aside in found.rejected] == [
            (drift.whole, drift.column, drift.data)
        ]
    else:
        assert verdicts(found) == [drift.rows] * 24


def test_values_stay_with_their_names_in_another_order() -> None:
    usual, other = found_in(DRIFTS["nothing changed"]), found_in(DRIFTS["5 other order"])
    assert other.rows.select(usual.rows.column_names).equals(usual.rows)


def test_an_added_column_is_kept_beside_the_others() -> None:
    """It will be sealed, and reported where personal data is found in it."""
    assert found_in(DRIFTS["1 a column added"]).undeclared == ("mood",)


def test_few_values_say_nothing_about_a_unit() -> None:
    few = text(table(rows=19, force="0.153"))
    assert verdicts(read_bytes(readings(column=USUAL), few)) == ["accepted"] * 19


@pytest.mark.parametrize(("unit", "reasons"), [(1, set()), (2.2046, {"unit_changed"})])
def test_a_clinic_that_turns_to_pounds_is_noticed(unit: float, reasons: set[str], shared_data) -> None:
    """The real people of gaitpdb, as they are and in pounds: every weight stays within its range."""
    lines = (shared_data / "gaitpdb" / "demographics.txt").read_text(encoding="ascii").splitlines()
    place = lines[0].split("\t").index("Weight")
    changed = [lines[0]]
    for line in lines[1:]:
        cells = line.split("\t")
        if len(cells) > place and cells[place].replace(".", "", 1).isdigit():
            cells[place] = str(float(cells[place]) * unit)
        changed.append("\t".join(cells))
    found = read_bytes(shipped("gait_people"), "\n".join(changed).encode())
    assert {aside.reason for aside in found.rejected} & {"unit_changed", "out_of_range"} == reasons


def test_a_reader_without_policy_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant fills what is gone with nulls, in silence."""
    monkeypatch.setattr(csv_reader, "column_drift", lambda _header, _contract: None)
    for name in ("2 a column gone", "3 a column renamed", "4 other case", "6 a column twice"):
        with pytest.raises(AssertionError):
            test_each_drift_follows_its_policy(name)
    assert column_drift.column_drift(["x"], readings()) is not None


def note(**changes: Any) -> bytes:
    own = {"note_id": "n1", "person_id": "C-1", "written_at": "2024-05-02", "text": "t", **changes}
    return json.dumps({key: value for key, value in own.items() if value is not None}).encode()


JSON_DRIFTS = [
    (note(mood="fine"), "accepted"),
    (note(text=None), "missing_value"),
    (note(text=None, Text="t"), "missing_value"),
    (note(person_id=None, patient="C-1"), "no_person"),
    (note(written_at=1714644000), "not_a_date"),
    (note(written_at=["2024-05-02"]), "not_a_date"),
    (note(person_id={"id": "C-1"}), "id_not_canonical"),
]


@pytest.mark.parametrize(("line", "verdict"), JSON_DRIFTS)
def test_a_key_of_json_lines_that_is_absent_is_null(line: bytes, verdict: str) -> None:
    """JSON leaves out what is null: what must be there is told row by row."""
    assert verdicts(read_bytes(shipped("clinic_notes"), line)) == [verdict]


def test_a_contract_may_forbid_new_keys() -> None:
    from dataclasses import replace

    from lakehouse.core.contract import ColumnDrift, DriftRule

    strict = replace(shipped("clinic_notes"), drift=DriftRule(added=ColumnDrift.SET_ASIDE))
    assert [aside.reason for aside in read_bytes(strict, note(mood="fine")).rejected] == ["column_added"]
    assert verdicts(read_bytes(strict, note())) == ["accepted"]
