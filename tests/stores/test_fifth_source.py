"""A new source in a known format is one bronze and one silver file: no Python, real data, a corrupt file."""

import shutil
from pathlib import Path

import pytest

from lakehouse.adapters.contract_files import load_policy
from lakehouse.core.contract_lint import lint_contracts
from lakehouse.readers import read_files
from lakehouse.readers.source_folders import find_batches
from lakehouse.sites import read_contracts

PROJECT = Path(__file__).resolve().parents[2]
ROWS = {"cleveland": 303, "hungarian": 294, "switzerland": 123, "va": 200}


@pytest.fixture
def site_file(tmp_path):
    """A site whose contracts are the project's and two files more."""
    folder = tmp_path / "expectations"
    shutil.copytree(PROJECT / "expectations", folder)
    shutil.copytree(PROJECT / "tests" / "fifth_source", folder, dirs_exist_ok=True)
    return site_with(folder, tmp_path)


def site_with(expectations, folder):
    """Return the project's site file with other contracts, written into a folder."""
    text = (PROJECT / "infra" / "sites" / "local.toml").read_text()
    for name in ("expectations", "models"):
        text = text.replace(
            f'"../../{name}', f'"{expectations if name == "expectations" else PROJECT / name}'
        )
    path = folder / "site.toml"
    path.write_text(text)
    return path


def test_two_files_make_a_data_set(site_file, shared_data):
    contracts = read_contracts(site_file.parent / "expectations")
    assert lint_contracts(contracts, load_policy(site_file.parent / "expectations", "research")) == []
    batch = find_batches(shared_data, contracts).batches["heart_disease"]
    found = list(read_files(batch, contracts.by_table["bronze.heart_disease"]))
    assert sorted(len(one.rows) for one in found) == [0, *sorted(ROWS.values())]
    rejected = [(row.row, row.reason) for one in found for row in one.rejected]
    assert rejected == [(None, "unreadable_file")]


@pytest.mark.spark
def test_it_lands_and_is_refined_with_its_corrupt_file_set_aside(site_file, shared_data, open_home):
    from lakehouse.pipeline.land import land
    from lakehouse.pipeline.refine import refine

    site = open_home(site_file=site_file)
    batch = find_batches(shared_data, site.contracts).batches["heart_disease"]
    landed = land(site, "heart_disease", batch)
    assert (landed.received, landed.accepted, landed.reasons) == (921, 920, {"unreadable_file": 1})
    (refined,) = refine(site, "heart_disease")
    assert (refined.received, refined.rows, refined.quarantined) == (920, 920, 0)
    rows = site.lake.read("silver.heart_disease", refined.version)
    assert set(rows.column("sex").to_pylist()) == {"female", "male"}


EDITED = {
    'title = "Parkinsons"': 'title = "Voices of people with Parkinson\'s disease"',
    'description = ""': 'description = "UCI 189, telemonitoring (CC BY 4.0)"',
    'folder = "parkinsons"': 'folder = "parkinsons_telemonitoring"',
    'grain = "one row"': 'grain = "one recording"',
}
"""What only a person knows, as `# EDIT:` asks; everything else of the proposal stands."""


@pytest.mark.spark
def test_a_proposed_contract_lands_its_file_after_the_edits_it_asks_for(tmp_path, shared_data, open_home):
    """`contracts propose`, four edits, lint, land: every row of a source nobody wrote a contract for."""
    from lakehouse.adapters.contract_proposals import propose_contract
    from lakehouse.adapters.presidio_detector import Detector
    from lakehouse.core.contract_proposal import render_proposal
    from lakehouse.pipeline.land import land

    source = shared_data / "parkinsons_telemonitoring" / "parkinsons_updrs.data"
    text = render_proposal(propose_contract(source, "parkinsons", Detector(), "en"))
    for proposed, edited in EDITED.items():
        assert text.count(proposed) == 1
        text = text.replace(proposed, edited)
    folder = tmp_path / "expectations"
    shutil.copytree(PROJECT / "expectations", folder)
    (folder / "bronze" / "parkinsons.toml").write_text(text)
    contracts = read_contracts(folder)
    assert lint_contracts(contracts, load_policy(folder, "research")) == []

    site = open_home(site_file=site_with(folder, tmp_path))
    batch = find_batches(shared_data, site.contracts).batches["parkinsons"]
    landed = land(site, "parkinsons", batch)
    assert (landed.received, landed.accepted, landed.subjects) == (5875, 5875, 42)
