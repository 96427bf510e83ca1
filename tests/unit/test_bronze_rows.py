"""Rows of bronze: whose they are, and what of them is sealed."""

import pyarrow as pa
import pytest
from contract_samples import people, people_contract

from lakehouse.adapters.bronze_rows import LandedFile, Subjects, bronze_rows, file_subjects, stated_people
from lakehouse.methods.unseal import open_columns
from lakehouse.readers.input_files import FileRows

KEYS = {"ann": b"a" * 32, "ben": b"b" * 32}
NAMES = {"clinic": {"P01": "ann", "P02": "ben"}, "fhir": {"P01": "ben"}}
PEOPLE = Subjects(names=NAMES, seal_keys=KEYS)


def file_of(constants=None, **columns):
    count = len(next(iter(columns.values())))
    rows = pa.table({"row": pa.array(range(1, count + 1), pa.int64()), **columns})
    return FileRows(
        file=1, digest=b"", identity="", rows=rows, rejected=(), received=count, constants=constants or {}
    )


def test_an_identifier_names_its_person():
    """Each person once, each row its pseudonym."""
    file = file_of(person_id=["P02", "P01", "P02"])
    assert stated_people(people_contract(), file) == {"clinic": ["P02", "P01"]}
    assert file_subjects(people_contract(), file, PEOPLE).to_pylist() == ["ben", "ann", "ben"]


def test_one_identifier_in_two_systems_is_two_people():
    """Where each row names its system, P01 of the clinic is Ann and P01 of the FHIR server is Ben."""
    rule = {"column": "person_id", "system_column": "system", "id_patterns": {"clinic": "P.*", "fhir": "P.*"}}
    system = {"name": "system", "type": "text", "sensitivity": "plain"}
    contract = people_contract(subject=rule, column=[*people()["column"], system])
    file = file_of(person_id=["P01", "P01", "P02"], system=["clinic", "fhir", "clinic"])
    stated = stated_people(contract, file)
    assert {name: sorted(ids) for name, ids in stated.items()} == {"clinic": ["P01", "P02"], "fhir": ["P01"]}
    assert file_subjects(contract, file, PEOPLE).to_pylist() == ["ann", "ben", "ben"]


def test_a_naming_that_forgets_the_system_is_caught(monkeypatch):
    """The broken variant: every system's identifiers are looked up among the clinic's."""
    monkeypatch.setitem(NAMES, "fhir", NAMES["clinic"])
    with pytest.raises(AssertionError):
        test_one_identifier_in_two_systems_is_two_people()


def test_an_identifier_of_a_set_aside_row_may_be_nobodys():
    """A known one has its pseudonym; an unknown one, or none at all, has none."""
    assert PEOPLE.pseudonym("fhir", "P01") == "ben"
    assert [PEOPLE.pseudonym(*who) for who in (("fhir", "P09"), ("gait", "P01"), (None, None))] == [None] * 3


def test_what_is_the_same_in_a_file_is_sealed_once():
    """A file of one person: its id is one blob in all rows, and opens."""
    file = file_of({"person_id": "P02"}, age=pa.array([40, 41], pa.int64()))
    landed = LandedFile(found=file, bytes_hmac=b"", source_digest="")
    rows = bronze_rows(people_contract(), landed, PEOPLE, 7)
    assert rows["subject"].to_pylist() == ["ben", "ben"]
    assert len(rows["person_id__sealed"].unique()) == 1
    opened = open_columns(rows, {"person_id": False}, KEYS, table="bronze.people")
    assert opened["person_id"].to_pylist() == ["P02", "P02"]


def test_a_file_without_rows_gives_none():
    """With all columns of the table."""
    landed = LandedFile(found=file_of(person_id=pa.array([], pa.string())), bytes_hmac=b"", source_digest="")
    rows = bronze_rows(people_contract(), landed, PEOPLE, 7)
    assert (len(rows), rows["person_id__sealed"].type) == (0, pa.binary())
