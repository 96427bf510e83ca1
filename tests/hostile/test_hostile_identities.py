"""Identifiers that look alike, stand for nobody or are claimed twice: never are two people merged."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hostile_contracts import read_bytes, read_rows, readings, row, shipped, verdicts

from lakehouse.adapters.batch_checks import check_batch
from lakehouse.adapters.bronze_rows import stated_people
from lakehouse.core.contract import DatasetContract
from lakehouse.readers import casting, json_values

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTES = shipped("clinic_notes")
NOBODY = ["", " ", "NA", "na", "N/A", "NaN", "null", "NULL", "None", "none", "unknown", "?", "-", " null "]
LOOK_ALIKE = [
    "P01",
    "p01",
    "Р01",
    "P０1",
    "P01 ",
    " P01",
    "P\u200b01",
    "P01\u0301",
    "PO1",
    "Pl1",
    "P1",
    "P001",
]


def people_of(contract: DatasetContract, ids: Sequence[str]) -> list[str]:
    """The identifiers that become people."""
    rows = [row(person=text, device="", at=f"2024-05-02T10:{n:02}:00") for n, text in enumerate(ids)]
    stated = stated_people(contract, read_rows(rows, contract))
    return sorted(identifier for identifiers in stated.values() for identifier in identifiers)


@pytest.mark.parametrize("text", NOBODY, ids=repr)
def test_a_placeholder_is_nobody(text: str) -> None:
    """Two rows of `NA` are not one person, in any format."""
    assert verdicts(read_rows([row(person=text)])) == ["no_person"]
    line = json.dumps({"note_id": "n1", "person_id": text, "text": "t"}).encode()
    assert verdicts(read_bytes(NOTES, line)) == ["no_person"]
    patient = json.dumps({"resourceType": "Patient", "id": text}).encode()
    assert set(verdicts(read_bytes(shipped("ehr"), patient))) <= {"no_person", "invalid_resource"}


def test_a_reader_that_takes_na_for_a_name_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(casting, "is_placeholder", lambda _text, _subject: False)
    with pytest.raises(AssertionError):
        test_a_placeholder_is_nobody("NA")


def test_a_contract_may_name_its_own_placeholders() -> None:
    rule = {"column": "person", "system": "clinic", "placeholders": ["X-000"]}
    contract = readings(subject=rule)
    assert people_of(contract, ["x-000", "NA", "P01"]) == ["NA", "P01"]


def test_identifiers_that_look_alike_stay_apart() -> None:
    """No folding of case, width, accents or blanks: as many people as texts."""
    assert people_of(readings(), LOOK_ALIKE) == sorted(LOOK_ALIKE)


def test_numbers_as_identifiers_stay_text() -> None:
    ids = ["00123", "123", "0123", "123.0", "1e2", "100", "100.0", "１２３", "true", "True"]
    assert people_of(readings(), ids) == sorted(ids)


@pytest.mark.parametrize("written", ["1e2", "100.0", "1.2345678901234567890", "true", "[1]", '{"a":1}'])
def test_json_that_is_no_exact_identifier_is_set_aside(written: str) -> None:
    """1e2 and 100.0 would become one text, and 17 digits are all that a double keeps."""
    line = f'{{"note_id":"n1","person_id":{written},"text":"t"}}'.encode()
    assert verdicts(read_bytes(NOTES, line)) == ["id_not_canonical"]


def test_a_whole_number_is_an_identifier_with_all_its_digits() -> None:
    big = "9" * 40
    line = f'{{"note_id":"n1","person_id":{big},"text":"t"}}'.encode()
    assert read_bytes(NOTES, line).rows["person_id"].to_pylist() == [big]


@pytest.mark.parametrize("size", [257, 1_000_000])
def test_an_endless_identifier_is_not_canonical(size: int) -> None:
    assert verdicts(read_rows([row(person="P" * size)])) == ["id_not_canonical"]
    patient = json.dumps({"resourceType": "Patient", "id": "P" * size}).encode()
    assert set(verdicts(read_bytes(shipped("ehr"), patient))) <= {"id_not_canonical", "invalid_resource"}


def test_an_object_that_names_two_people_is_no_json() -> None:
    """Python takes the last of two equal names: the broken variant would have chosen one."""
    line = b'{"note_id":"n1","person_id":"C-1","person_id":"C-2","text":"t"}'
    assert json.loads(line)["person_id"] == "C-2"
    assert verdicts(read_bytes(NOTES, line)) == ["invalid_json"]


def test_one_device_on_two_people_is_set_aside_for_both() -> None:
    """Across the files of a batch; the device of a third person stays."""
    first = read_rows([row(person="P01", device="D1"), row(person="P03", device="D3", at="2024-05-03")])
    second = read_rows([row(person="P02", device="D1")])
    checked = check_batch(readings(), [first, second], NOW)
    assert [verdicts(file) for file in checked] == [["shared_value", "accepted"], ["shared_value"]]
    assert [aside.column for file in checked for aside in file.rejected] == ["device", "device"]


def test_devices_swapped_between_two_people_are_set_aside() -> None:
    days = ["2024-05-02", "2024-05-03", "2024-05-04", "2024-05-05"]
    worn = [("P01", "D1"), ("P02", "D2"), ("P01", "D2"), ("P02", "D1")]
    rows = [row(person=p, device=d, at=day) for (p, d), day in zip(worn, days, strict=True)]
    (checked,) = check_batch(readings(), [read_rows(rows)], NOW)
    assert verdicts(checked) == ["shared_value"] * 4


def test_a_contract_that_does_not_say_whose_a_device_is_would_be_caught() -> None:
    """The broken variant: without `own` both people keep the device."""
    loose = readings(subject={"column": "person", "system": "clinic"})
    found = read_rows([row(person="P01"), row(person="P02", at="2024-05-03")], loose)
    (checked,) = check_batch(loose, [found], NOW)
    assert verdicts(checked) == ["accepted", "accepted"]


def patient(name: str, clinic: str, **more: object) -> dict[str, object]:
    identifier = [{"system": "urn:livinglab:clinic", "value": clinic}]
    return {"resourceType": "Patient", "id": name, "identifier": identifier, **more}


def bundle(*resources: dict[str, object], urls: Sequence[str] = ()) -> bytes:
    entries = [
        {"resource": own, **({"fullUrl": urls[n]} if n < len(urls) else {})}
        for n, own in enumerate(resources)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def test_two_patients_with_one_clinic_number_are_not_linked() -> None:
    """The link would make an alias of one of them for ever."""
    found = read_bytes(shipped("ehr"), bundle(patient("a", "C-1"), patient("b", "C-1"), patient("c", "C-2")))
    (checked,) = check_batch(shipped("ehr"), [found], NOW)
    assert verdicts(checked) == ["shared_value", "shared_value", "accepted"]


@pytest.mark.parametrize("number", ["NA", "null", "unknown"])
def test_a_placeholder_links_nobody(number: str) -> None:
    assert verdicts(read_bytes(shipped("ehr"), bundle(patient("a", number)))) == ["id_not_canonical"]


def test_what_two_patients_claim_points_to_neither() -> None:
    """Patient b calls itself by the URL of patient a: who is meant by it, nobody can tell."""
    condition = {
        "resourceType": "Condition", "id": "c1", "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:1"},
    }  # fmt: skip
    data = bundle(patient("a", "C-1"), patient("b", "C-2"), condition, urls=["urn:uuid:1", "urn:uuid:1"])
    assert verdicts(read_bytes(shipped("ehr"), data)) == ["accepted", "accepted", "broken_reference"]


def test_a_json_reader_that_takes_the_last_name_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_unique_names", dict)
    with pytest.raises(AssertionError):
        test_an_object_that_names_two_people_is_no_json()
