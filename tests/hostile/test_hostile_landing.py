"""A dozen of the worst files through the real `land`: counted to the last row, little written, home sound."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_archives import CASES, WALK
from test_hostile_identities import bundle, patient

from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site

pytestmark = pytest.mark.spark

MOST_WRITTEN = 50_000_000
ARCHIVES = ["zeros 1000:1", "a hundred thousand entries", "nested ten times", "up and out", "a symbolic link"]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_hostile_archives_and_walks_land_as_what_they_are(
    open_home: Callable[..., Site], tmp_path: Path
) -> None:
    """Five archives and two walks set aside, one sound walk beside them accepted."""
    folder = tmp_path / "input"
    for number, case in enumerate(ARCHIVES):
        name, make, _ = CASES[case]
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / name).write_bytes(make())
    (folder / "GaPt04_01.txt").write_bytes(WALK)
    (folder / "GaPt05_01.txt").write_bytes(b"1\t" * (20 * 2**20))
    (folder / "GaPt06_01.txt").write_bytes(b"\n" * 10**6)
    site = open_home()
    landing = site.home.place("landing")
    before = size_of(site.home.path)
    result = land(site, "gait_walks", sorted(path for path in folder.rglob("*") if path.is_file()))
    assert (result.received, result.accepted, result.quarantined) == (8, 1, 7)
    assert dict(result.reasons) == {
        "archive_bomb": 2,
        "unsafe_archive": 3,
        "too_large": 1,
        "unreadable_file": 1,
    }
    assert size_of(site.home.path) - before < MOST_WRITTEN
    assert list(landing.iterdir()) == []
    assert fsck(site, lambda _said: None).clean


def test_people_who_claim_one_number_are_not_merged(open_home: Callable[..., Site], tmp_path: Path) -> None:
    """Two patients with one clinic number, and one with `NA`: no pseudonym and no link is made of them."""
    path = tmp_path / "a.json"
    people = [patient("a", "C-1"), patient("b", "C-1"), patient("c", "NA"), patient("d", "C-4")]
    path.write_bytes(bundle(*people))
    site = open_home()
    result = land(site, "ehr", [path])
    assert dict(result.reasons) == {"shared_value": 2, "id_not_canonical": 1}
    assert (result.accepted, result.subjects) == (1, 1)
    assert site.vault.find_subjects("fhir", ["a", "b", "c"]) == {}
    assert {row["column"] for row in quarantined_rows(site, "ehr")} == {None}


def test_a_clock_years_ahead_and_a_drifted_file_land_as_such(
    open_home: Callable[..., Site], tmp_path: Path
) -> None:
    own = {"note_id": "n1", "person_id": "C-1", "written_at": "2024-05-02", "text": "t"}
    written = [
        own,
        {**own, "note_id": "n2", "written_at": "2090-01-01"},
        {**own, "note_id": "n3", "person_id": "NULL"},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, written)))
    site = open_home()
    result = land(site, "clinic_notes", [path])
    assert dict(result.reasons) == {"out_of_time": 1, "no_person": 1}
    assert (result.received, result.accepted) == (3, 1)
    drifted = tmp_path / "demographics.txt"
    drifted.write_text("Id\tAge\nGaPt03\t70\n")
    assert dict(land(site, "gait_people", [drifted]).reasons) == {"column_gone": 1}
