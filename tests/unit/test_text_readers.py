"""Delimited text and JSON lines: what is taken, what is set aside and why."""

import pytest
from contract_samples import input_file, people_contract, shipped

from lakehouse.errors import ContractError
from lakehouse.readers import csv, find_reader, json_lines, reader_names

PEOPLE = people_contract()


def reasons_of(found):
    return [(row.row, row.reason, row.column) for row in found.rejected]


def test_rows_come_typed_with_their_line_number():
    found = csv.read(input_file(b"id,age,weight\nP01,70,81.5\nP02,,NaN\n"), PEOPLE)
    assert found.rows.to_pylist() == [
        {"row": 1, "person_id": "P01", "age": 70, "weight": 81.5},
        {"row": 2, "person_id": "P02", "age": None, "weight": None},
    ]
    assert (found.received, found.rejected, found.undeclared) == (2, (), ())


LINES = [
    (b"P01,70,81.5", None, None),
    (b"P01, 70 ,81.5", None, None),
    (b'"P01","70","81.5"', None, None),
    (b"P01,70.0,8.15e1", None, None),
    (b"P01,70,81.5,,", None, None),
    (b"", "empty_line", None),
    (b" ,,", "empty_line", None),
    (b"P01,70", "wrong_column_count", None),
    (b"P01,70,81.5,x", "wrong_column_count", None),
    (b'P01,"70,81.5', "wrong_column_count", None),
    (b"P01,seventy,81.5", "not_a_number", "age"),
    (b"P01,70.5,81.5", "not_a_number", "age"),
    (b"P01,70,81;5", "not_a_number", "weight"),
    (b"P01,70,0x51", "not_a_number", "weight"),
    (b"P01,70,inf", "not_finite", "weight"),
    (b"P01,70,-Infinity", "not_finite", "weight"),
    (b"P01,70,1e999", "not_finite", "weight"),
    (b"P01,NaN,81.5", "not_finite", "age"),
    (b"P01,-1,81.5", "out_of_range", "age"),
    (b"P01,121,81.5", "out_of_range", "age"),
    (b"P01,99999999999999999999,1", "not_a_number", "age"),
    (b"p01,70,81.5", "id_not_canonical", "person_id"),
    (b"P01 ,70,81.5", "id_not_canonical", "person_id"),
    ("Р01,70,81.5".encode(), "id_not_canonical", "person_id"),
    ("P0١,70,81.5".encode(), "id_not_canonical", "person_id"),
    (b",70,81.5", "no_person", "person_id"),
    (b"P01,70,\xe9", "bad_encoding", None),
]


@pytest.mark.parametrize(("line", "reason", "column"), LINES)
def test_each_line_is_taken_or_has_its_reason(line, reason, column):
    found = csv.read(input_file(b"id,age,weight\n" + line + b"\nP09,1,1\n"), PEOPLE)
    assert reasons_of(found) == ([] if reason is None else [(1, reason, column)])
    assert len(found.rows) + len(found.rejected) == found.received == 2
    assert all(row.raw == line for row in found.rejected)


def test_a_rejected_row_says_whose_it_is_where_that_is_known():
    found = csv.read(input_file(b"id,age,weight\nP01,old,1\nP1,old,1\n"), PEOPLE)
    assert [(row.person_id, row.system) for row in found.rejected] == [("P01", "clinic"), (None, None)]


def test_a_line_that_repeats_an_earlier_one_is_a_duplicate_row():
    found = csv.read(input_file(b"id,age,weight\nP01,70,1\nP01,70,1\nP01,70,2\n"), PEOPLE)
    assert reasons_of(found) == [(2, "duplicate_row", None)]


def test_without_a_key_equal_rows_are_different_people():
    nobody = people_contract(subject=None)
    found = csv.read(input_file(b"id,age,weight\nP01,70,1\nP01,70,1\n"), nobody)
    assert found.rejected == ()


def test_undeclared_columns_are_kept_as_text_and_named():
    found = csv.read(input_file(b"id,age,weight,phone,\nP01,70,1,555-0100,\n"), PEOPLE)
    assert found.undeclared == ("phone",)
    assert found.rows["undeclared:0"].to_pylist() == ["555-0100"]


def test_a_nameless_column_is_undeclared_only_if_it_holds_something():
    found = csv.read(input_file(b"id,age,weight,,\nP01,70,1,,x\nP02,70,1\n"), PEOPLE)
    assert found.undeclared == ("column 5",)
    assert found.rows["undeclared:0"].to_pylist() == ["x", ""]


def test_a_file_without_a_declared_column_is_set_aside_unless_the_contract_says_null():
    data = b"id,age\nP01,70\n"
    assert reasons_of(csv.read(input_file(data), PEOPLE)) == [(None, "column_gone", "weight")]
    lenient = people_contract(drift={"gone": "null"})
    assert csv.read(input_file(data), lenient).rows["weight"].to_pylist() == [None]


FILES = [
    (b"", "unreadable_file"),
    (b"id,age\x00,weight\n", "unreadable_file"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "unreadable_file"),
    ("id,age,weight\n".encode("utf-16"), "bad_encoding"),
    (b"\xe9d,age,weight\nP01,1,1\n", "bad_encoding"),
]


@pytest.mark.parametrize(("data", "reason"), FILES)
def test_a_file_that_is_no_text_counts_one_received_one_rejected(data, reason):
    found = csv.read(input_file(data), PEOPLE)
    assert reasons_of(found) == [(None, reason, None)]
    assert (found.received, len(found.rows), found.rejected[0].raw) == (1, 0, data)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault():
    found = csv.read(input_file(b"\xef\xbb\xbfid,age,weight\r\nP01,70,1\r\n"), PEOPLE)
    assert (len(found.rows), found.rejected) == (1, ())


def test_without_header_columns_stand_in_the_contract_s_order():
    options = {"header": False, "delimiter": ";", "encoding": "latin-1"}
    found = csv.read(input_file(b"P01;70;1\n"), people_contract(format_options=options))
    assert found.rows["age"].to_pylist() == [70]


@pytest.mark.parametrize(
    "options", [{"separator": ","}, {"delimiter": ",,"}, {"encoding": "klingon"}, {"header": "yes"}]
)
def test_an_option_that_is_not_known_is_refused(options):
    with pytest.raises(ContractError, match="format_options"):
        csv.read(input_file(b"id\n"), people_contract(format_options=options))


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(ContractError) as caught:
        find_reader("xlsx")
    assert caught.value.facts["allowed"] == list(reader_names())
    assert all(callable(find_reader(name)) for name in reader_names())


NOTES = shipped("bronze.clinic_notes")
NOTE = b'{"note_id":"n1","person_id":"C-1","written_at":"2024-05-02T10:15:00+02:00","author":"x","text":"t"}'


def test_notes_come_typed_in_utc():
    found = json_lines.read(input_file(NOTE + b"\n"), NOTES)
    assert found.rows["written_at"][0].as_py().isoformat() == "2024-05-02T08:15:00+00:00"
    assert found.rows["language"].to_pylist() == [None]


NOTE_LINES = [
    (b'{"note_id":"n2","person_id":null,"text":"t"}', "no_person", "person_id"),
    (b'{"note_id":"n2","text":"t"}', "no_person", "person_id"),
    (b'{"note_id":"n2","person_id":" C-1","text":"t"}', "id_not_canonical", "person_id"),
    (b'{"note_id":"n2","person_id":"C-1"}', "missing_value", "text"),
    (b'{"note_id":"n2","person_id":"C-1","text":"t","written_at":"May"}', "not_a_date", "written_at"),
    (b'{"note_id":"n2","person_id":"C-1","text":"t","language":"tlh"}', "out_of_range", "language"),
    (b'{"note_id":"n2","person_id":"C-1","text":"\\ud83d"}', "bad_encoding", None),
    (b'{"note_id":"n2","person_id":"C-1","text":"\xe9"}', "bad_encoding", None),
    (b'{"note_id":"n2","person_id":"C-1","text":NaN}', "invalid_json", None),
    (b'{"note_id":"n2"', "invalid_json", None),
    (b'["n2"]', "invalid_json", None),
    (b"[" * 5000, "invalid_json", None),
    (b"   ", "empty_line", None),
    (NOTE, "duplicate_row", None),
]


@pytest.mark.parametrize(("line", "reason", "column"), NOTE_LINES, ids=range(len(NOTE_LINES)))
def test_each_note_is_taken_or_has_its_reason(line, reason, column):
    found = json_lines.read(input_file(NOTE + b"\n" + line), NOTES)
    assert reasons_of(found) == [(2, reason, column)]
    assert len(found.rows) + len(found.rejected) == found.received == 2


def consent(**changes):
    import json

    record = {"person_id": "GaPt03", "id_system": "gaitpdb", "decision": "deny", "purposes": ["research"]}
    return json.dumps({**record, **changes}).encode()


CONSENTS = shipped("bronze.consents")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-12-31", "2025-01-01T00:00:00+00:00"),
        ("2024-12-31T00:00:00Z", "2024-12-31T00:00:00+00:00"),
        ("9999-12-31", "9999-12-31T00:00:00+00:00"),
        (None, None),
    ],
)
def test_a_day_named_as_the_end_still_belongs_to_the_time(written, meant):
    found = json_lines.read(input_file(consent(to=written)), CONSENTS)
    value = found.rows["to"][0].as_py()
    assert (value and value.isoformat()) == meant


@pytest.mark.parametrize(
    ("changes", "reason", "column"),
    [
        ({"person_id": "gapt03"}, "id_not_canonical", "person_id"),
        ({"person_id": "C-0001"}, "id_not_canonical", "person_id"),
        ({"id_system": "passport"}, "out_of_range", "id_system"),
        ({"decision": "perhaps"}, "out_of_range", "decision"),
        ({"from": "soon"}, "not_a_date", "from"),
    ],
)
def test_a_consent_names_its_person_in_the_form_of_the_system_it_names(changes, reason, column):
    found = json_lines.read(input_file(consent(**changes)), CONSENTS)
    assert reasons_of(found) == [(1, reason, column)]


def test_purposes_are_kept_as_json():
    found = json_lines.read(input_file(consent()), CONSENTS)
    assert found.rows["purposes"].to_pylist() == ['["research"]']
