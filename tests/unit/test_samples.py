"""Generated people: one person across all sources, the same by seed, with the real sources' traps."""

import errno
import json
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from contract_samples import EXPECTATIONS

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import UnreadableInput, WrongUse
from lakehouse.readers import read_files
from lakehouse.readers.source_folders import find_batches
from lakehouse.samples import source_folder
from lakehouse.samples.clinic_notes import write_notes_about
from lakehouse.samples.gait_signal import SAMPLE_RATE, walk_signal
from lakehouse.samples.people import REFERENCE_DAY, make_people
from lakehouse.samples.source_folder import sample_files, write_sample

CONTRACTS = load_contracts(EXPECTATIONS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, people=60, seed=1)
    return folder


def read_sample(folder, dataset):
    contract = CONTRACTS.by_table[f"bronze.{dataset}"]
    return list(read_files(find_batches(folder, CONTRACTS).batches[dataset], contract))


@pytest.mark.parametrize(
    ("dataset", "reasons"),
    [
        ("gait_walks", {}),
        ("gait_people", {"empty_line": 12, "id_not_canonical": 1}),
        ("ehr", {"not_in_contract": 60, "broken_reference": 1}),
        ("clinic_notes", {"no_person": 1}),
        ("consents", {"id_not_canonical": 1}),
    ],
)
def test_every_trap_is_set_aside_and_everything_else_is_taken(sample, dataset, reasons):
    found = read_sample(sample, dataset)
    assert Counter(row.reason for one in found for row in one.rejected) == reasons
    assert all(len(one.rows) + len(one.rejected) == one.received for one in found)
    assert sum(len(one.rows) for one in found) >= 12


def test_bytes_repeat_for_one_person_and_under_two(sample):
    by_digest = {}
    for one in read_sample(sample, "gait_walks"):
        by_digest.setdefault(one.digest, []).append(one.constants["person_id"])
    repeated = [people for people in by_digest.values() if len(people) > 1]
    assert len(repeated) == 1
    assert len(repeated[0]) == 3 and len(set(repeated[0])) == 2


def test_one_person_is_the_same_in_every_source(sample):
    walked = {one.constants["person_id"] for one in read_sample(sample, "gait_walks")}
    links = [
        {link["system"]: link["value"] for link in row}
        for one in read_sample(sample, "ehr")
        for row in one.rows["links"].to_pylist()
        if row
    ]
    noted = {
        person for one in read_sample(sample, "clinic_notes") for person in one.rows["person_id"].to_pylist()
    }
    assert {link["gaitpdb"] for link in links} == walked
    assert {link["clinic"] for link in links} == noted
    assert len(links) == 60


def test_notes_name_the_people_of_the_records(sample):
    named = 0
    records = {}
    for path in (sample / "fhir").iterdir():
        patient = json.loads(path.read_text())["entry"][0]["resource"]
        records[patient["identifier"][3]["value"]] = patient["name"][0]["family"]
    for line in (sample / "clinic_notes" / "notes.jsonl").read_text().splitlines():
        note = json.loads(line)
        named += records.get(note["person_id"], "?") in note["text"]
    assert named > 60


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others():
    first, again, other = (dict(sample_files(make_people(10, seed), seed)) for seed in (3, 3, 4))
    assert first == again
    assert set(first.values()).isdisjoint(set(other.values()) - {b""}) or first != other


@pytest.mark.parametrize("count", [9, 1001, 0, -1])
def test_only_10_to_1000_people_can_be_generated(count):
    with pytest.raises(WrongUse, match="cannot be generated"):
        make_people(count, 1)


@pytest.mark.parametrize("count", [10, 1000])
def test_identifiers_are_unique_and_canonical(count):
    import re

    people = make_people(count, 1)
    pattern = CONTRACTS.by_table["bronze.gait_walks"].column("person_id").id_pattern
    assert all(re.fullmatch(pattern, person.gait_id) for person in people)
    for key in ("gait_id", "fhir_id", "clinic_id"):
        assert len({getattr(person, key) for person in people}) == count


def test_age_agrees_with_the_birth_date():
    for person in make_people(40, 2):
        born = person.birth_date
        had_birthday = (REFERENCE_DAY.month, REFERENCE_DAY.day) >= (born.month, born.day)
        assert person.age == REFERENCE_DAY.year - born.year - (not had_birthday)


def test_both_groups_are_large_enough_for_groups_of_five():
    people = make_people(60, 1)
    cells = Counter((person.sex, person.patient) for person in people)
    assert min(cells.values()) >= 8


def test_a_walk_is_alternating_stance_and_swing_and_its_sums_are_sums():
    person = make_people(10, 1)[1]
    signal = walk_signal(person.style, np.random.default_rng(1))
    assert signal.shape == (30 * SAMPLE_RATE, 19)
    assert np.allclose(signal[:, 1:9].sum(axis=1), signal[:, 17], atol=0.05)
    left, right = signal[:, 17] > 0, signal[:, 18] > 0
    assert (left | right).mean() > 0.98
    assert 0.55 < left.mean() < 0.75


def test_disease_shows_in_the_style_of_walking_and_people_overlap():
    people = make_people(400, 5)
    sick = np.array([person.style.variation for person in people if person.patient])
    well = np.array([person.style.variation for person in people if not person.patient])
    assert sick.mean() > 1.2 * well.mean()
    assert sick.min() < well.max()


def test_a_new_sample_replaces_the_old_one_and_leaves_other_files(tmp_path):
    write_sample(tmp_path, people=12, seed=1)
    (tmp_path / "gaitpdb" / "mine.txt").write_text("x")
    written = write_sample(tmp_path, people=10, seed=2)
    there = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {*written, tmp_path / "gaitpdb" / "mine.txt"}


def test_a_manifest_that_points_elsewhere_deletes_nothing(tmp_path):
    (tmp_path / "precious").write_text("x")
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "MANIFEST.tsv").write_text("file\tbytes\tsha256\n../precious\t1\tx\n")
    with pytest.raises(UnreadableInput):
        write_sample(folder, people=10)
    assert (tmp_path / "precious").exists()


def test_notes_about_real_records_are_of_the_clinic_system_and_always_the_same(shared_data, tmp_path):
    bundles = list((shared_data / "synthea_fhir_r4").glob("*.json"))
    path = write_notes_about(bundles, tmp_path / "a")
    again = write_notes_about(bundles[::-1], tmp_path / "b")
    assert path.read_bytes() == again.read_bytes()
    (found,) = read_files([path], CONTRACTS.by_table["bronze.clinic_notes"])
    assert found.rejected == ()
    assert len(set(found.rows["person_id"].to_pylist())) == 20


def test_a_bundle_that_is_none_gives_no_note(tmp_path):
    (tmp_path / "x.json").write_text("{")
    assert write_notes_about([tmp_path / "x.json"], tmp_path / "out").read_text() == ""


def test_generated_days_lie_before_the_reference_day():
    bundle = json.loads(dict(sample_files(make_people(10, 1), 1))[_first_bundle()])
    days = [
        date.fromisoformat(entry["resource"]["period"]["start"][:10])
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Encounter"
    ]
    assert days and max(days) < REFERENCE_DAY


def _first_bundle():
    return next(name for name, _ in sample_files(make_people(10, 1), 1) if Path(name).parent.name == "fhir")


def run_command(*arguments):
    command = [sys.executable, "-m", "lakehouse", "sample", *map(str, arguments), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_needs_no_home_and_names_its_files(tmp_path):
    done = run_command(tmp_path / "people", "--people", 10, "--seed", 7)
    files = json.loads(done.stdout)["files"]
    assert done.returncode == 0
    assert all(Path(file).is_file() for file in files)
    assert [entry.name for entry in tmp_path.iterdir()] == ["people"]


def test_the_command_refuses_too_few_people_with_the_way_out(tmp_path):
    done = run_command(tmp_path / "people", "--people", 3)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (2, "WRONG_USE")
    assert "10 to 1000" in error["remedy"]


def test_a_full_disk_is_not_called_a_wrong_folder(tmp_path, monkeypatch):
    def fill_disk(*_given):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(source_folder, "_write_all", fill_disk)
    with pytest.raises(OSError, match="no space"):
        source_folder.write_sample(tmp_path, people=10)
