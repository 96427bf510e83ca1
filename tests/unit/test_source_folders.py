import pytest
from contract_samples import EXPECTATIONS

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import UnreadableInput
from lakehouse.readers.source_folders import find_batches

CONTRACTS = load_contracts(EXPECTATIONS)
FILES = (
    "README.md",
    "GaPt99_01.txt",
    "gaitpdb/GaPt03_01.txt",
    "gaitpdb/more/GaPt03_02.txt",
    "gaitpdb/demographics.txt",
    "gaitpdb/MANIFEST.tsv",
    "gaitpdb/format.txt",
    "gaitpdb/Ada_Lovelace.pdf",
    "fhir/Ada_Lovelace.json",
    "clinic_notes/notes.jsonl",
    "adult/adult.csv",
)


@pytest.fixture
def source(tmp_path):
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_each_data_set_finds_its_files_in_its_publisher_s_folder(source):
    plan = find_batches(source, CONTRACTS)
    found = {name: [str(path.relative_to(source)) for path in paths] for name, paths in plan.batches.items()}
    assert found == {
        "gait_walks": ["gaitpdb/GaPt03_01.txt", "gaitpdb/more/GaPt03_02.txt"],
        "gait_people": ["gaitpdb/demographics.txt"],
        "ehr": ["fhir/Ada_Lovelace.json"],
        "clinic_notes": ["clinic_notes/notes.jsonl"],
    }


def test_what_is_skipped_is_named_unless_its_name_may_be_a_person_s(source):
    plan = find_batches(source, CONTRACTS)
    assert plan.skipped == ("README.md", "adult/", "gaitpdb/MANIFEST.tsv", "gaitpdb/format.txt")
    assert plan.unclaimed == {".": 1, "gaitpdb": 1}


def test_the_real_source_gives_three_batches(shared_data):
    plan = find_batches(shared_data, CONTRACTS)
    assert {name: len(paths) for name, paths in plan.batches.items()} == {
        "gait_people": 1,
        "gait_walks": 1,
        "ehr": 20,
    }
    assert plan.unclaimed == {}


@pytest.mark.parametrize("name", ["nowhere", "README.md", "adult"])
def test_a_source_without_data_sets_is_refused(source, name):
    with pytest.raises(UnreadableInput):
        find_batches(source / name, CONTRACTS)
