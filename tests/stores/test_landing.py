"""land on real Delta: what counts as received, what is a repeat, what stays out of the clear."""

from collections.abc import Callable
from pathlib import Path

import deltalake
import pytest
from small_inputs import ANNA, BERT, CARL, write_people

from lakehouse.errors import NotAllowed, UnreadableInput, WrongUse
from lakehouse.pipeline.land import land
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site
from lakehouse.readers import csv, input_files
from lakehouse.readers.streamed_lines import stream_lines

pytestmark = pytest.mark.spark


@pytest.fixture
def site(open_home: Callable[..., Site]) -> Site:
    return open_home()


def test_every_line_is_accepted_or_set_aside(site: Site, tmp_path: Path) -> None:
    typo = ("Juc010", *BERT[1:])
    wrong = (*CARL[:5], "seventy", *CARL[6:])
    people = write_people(tmp_path / "demographics.txt", [ANNA, typo, wrong, [""] * 20, ANNA])
    result = land(site, "gait_people", [people])
    assert (result.received, result.accepted, result.quarantined) == (5, 1, 4)
    reasons = ["id_not_canonical", "not_a_number", "empty_line", "duplicate_row"]
    assert result.reasons == dict.fromkeys(reasons, 1)
    places = [(row["file"], row["row"], row["reason"]) for row in quarantined_rows(site, "gait_people")]
    assert places == [("#1", number, reason) for number, reason in enumerate(reasons, 2)]


def test_a_file_read_in_parts_lands_as_if_it_were_read_whole(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lines a part: a line that repeats one of an earlier part, and a bad file, are still seen."""
    monkeypatch.setattr(input_files, "WHOLE_LIMIT", 0)
    monkeypatch.setattr(csv, "stream", lambda file, own: stream_lines(file, own, csv.csv_form, rows=2))
    wrong = (*CARL[:5], "seventy", *CARL[6:])
    people = write_people(tmp_path / "demographics.txt", [ANNA, BERT, wrong, [""] * 20, ANNA])
    (tmp_path / "b.txt").write_bytes(b"nothing of the kind\n")
    result = land(site, "gait_people", [people, tmp_path / "b.txt"])
    assert (result.received, result.accepted, result.quarantined) == (6, 2, 4)
    assert result.reasons == dict.fromkeys(["not_a_number", "empty_line", "duplicate_row", "column_gone"], 1)
    places = {(row["file"], row["row"]) for row in quarantined_rows(site, "gait_people")}
    assert {row for _, row in places} == {3, 4, 5, None}


def test_the_same_file_again_is_a_repeat(site: Site, tmp_path: Path) -> None:
    people = write_people(tmp_path / "demographics.txt", [ANNA])
    first = land(site, "gait_people", [people])
    size = site.log.size()
    again = land(site, "gait_people", [people])
    assert again.repeated and again.version == first.version and again.leaf == first.leaf
    assert site.log.size() == size


def test_a_new_file_lands_alone(site: Site, tmp_path: Path) -> None:
    first = write_people(tmp_path / "a.txt", [ANNA])
    second = write_people(tmp_path / "b.txt", [BERT])
    land(site, "gait_people", [first])
    both = land(site, "gait_people", [first, second])
    assert (both.received, both.rows, both.version) == (1, 2, 1)


def test_the_same_bytes_twice_in_a_batch(site: Site, tmp_path: Path) -> None:
    paths = [write_people(tmp_path / name, [ANNA, BERT]) for name in ("a.txt", "b.txt")]
    result = land(site, "gait_people", paths)
    assert (result.received, result.accepted, result.reasons) == (4, 2, {"duplicate_file": 2})


def test_no_identifier_lies_in_the_lake(site: Site, tmp_path: Path) -> None:
    land(site, "gait_people", [write_people(tmp_path / "demographics.txt", [ANNA, ("Juc010", *BERT[1:])])])
    for file in (file for file in site.home.path.rglob("*") if file.is_file()):
        assert b"GaPt03" not in file.read_bytes() and b"Juc010" not in file.read_bytes(), file
    stored = deltalake.DeltaTable(site.lake.folder_of("bronze.gait_people")).to_pyarrow_table()
    assert "person_id" not in stored.column_names and stored.column("age").to_pylist() == [82.0]


def test_no_other_account_reads_the_lake(site: Site, tmp_path: Path) -> None:
    """Spark's own file system asks for 0755 and 0644 unless told otherwise."""
    land(site, "gait_people", [write_people(tmp_path / "demographics.txt", [ANNA])])
    made = list(site.home.place("lake").rglob("*"))
    assert made and not [path for path in made if path.stat().st_mode & 0o077]


def test_the_drop_zone_is_emptied_and_other_places_are_not(site: Site, tmp_path: Path) -> None:
    folder = site.home.place("landing", "gaitpdb")
    folder.mkdir(parents=True)
    dropped = write_people(folder / "demographics.txt", [ANNA])
    kept = write_people(tmp_path / "other.txt", [BERT])
    land(site, "gait_people", [dropped, kept])
    assert not dropped.exists() and kept.exists()


def test_refusals_say_the_way_out(site: Site, open_home: Callable[..., Site], tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no data set"):
        land(site, "nothing", [tmp_path])
    with pytest.raises(UnreadableInput):
        land(site, "gait_people", [tmp_path / "absent.txt"])
    with pytest.raises(NotAllowed):
        land(open_home(actor="analyst"), "gait_people", [tmp_path])
