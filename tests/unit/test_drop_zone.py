"""What landing deletes from the drop zone: what it took in, as it was when it was read, and nothing else."""

import pytest

from lakehouse.pipeline import land as landing
from lakehouse.samples.source_folder import write_sample


@pytest.fixture
def zone(open_home, tmp_path):
    """A home with the publisher's folder in its drop zone, demographics and walks beside each other."""
    site = open_home()
    write_sample(tmp_path / "people", people=20)
    folder = site.home.place("landing", "gaitpdb")
    (tmp_path / "people" / "gaitpdb").rename(folder)
    return site, folder


def landed(site, monkeypatch, paths, meanwhile=lambda: None):
    """Land without writing a table; `meanwhile` happens after the files were read."""
    monkeypatch.setattr(landing, "land_found", lambda *_: meanwhile())
    landing.land(site, "gait_people", paths)


def test_a_file_is_deleted_once_it_is_taken_in(zone, monkeypatch):
    site, folder = zone
    landed(site, monkeypatch, [folder / "demographics.txt"])

    assert not (folder / "demographics.txt").exists()


def test_a_file_that_was_replaced_meanwhile_stays_for_the_next_run(zone, monkeypatch):
    site, folder = zone
    file = folder / "demographics.txt"
    corrected = file.read_text() + "\n"
    landed(site, monkeypatch, [file], lambda: file.write_text(corrected))

    assert file.read_text() == corrected


def test_a_folder_loses_the_files_of_its_data_set_and_no_others(zone, monkeypatch):
    """Walks of the same publisher are another data set; a file that came meanwhile was never read."""
    site, folder = zone
    others = {path.name for path in folder.iterdir()} - {"demographics.txt"}
    landed(site, monkeypatch, [folder], lambda: (folder / "late.txt").write_text("x"))

    assert {path.name for path in folder.iterdir()} == others | {"late.txt"}
    assert others


def test_a_file_outside_the_drop_zone_stays(zone, monkeypatch, tmp_path):
    site, folder = zone
    outside = tmp_path / "demographics.txt"
    outside.write_bytes((folder / "demographics.txt").read_bytes())
    landed(site, monkeypatch, [outside])

    assert outside.exists()
