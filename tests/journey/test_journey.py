"""The whole way on real files: ten walks, four FHIR bundles, notes about their people.

What goes in at one end comes out at the other: counts that add up, releases that wait, a private answer, a
proof that a stranger checks in an empty home, and the same again when it is run again.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lakehouse.cli.main import run

pytestmark = [pytest.mark.journey, pytest.mark.spark, pytest.mark.airflow]

WALKS = [
    "GaCo01_01", "GaCo02_01", "GaCo03_01", "GaPt03_01", "GaPt04_01",
    "GaPt17_02", "GaPt18_01", "JuCo01_01", "JuPt29_02", "JuPt29_03",
]  # fmt: skip
TWINS, TWICE = {"GaPt17_02", "GaPt18_01"}, "JuPt29_03"
BUNDLES = 4


@dataclass(frozen=True)
class Lab:
    """One home, its keys, and the command line."""

    folder: Path

    def demo(self, source: Path) -> dict[str, Any]:
        """The main job as people start it: a process of its own, with Airflow's beneath it."""
        done = subprocess.run(
            [sys.executable, "-m", "lakehouse", "demo", "--source", str(source), "--json"],
            env={**os.environ, **self._places("home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
        return json.loads(done.stdout)

    def run(self, *arguments: str, home: str = "home", code: int = 0) -> dict[str, Any]:
        """What one command says as JSON; it runs in this process."""
        with pytest.MonkeyPatch.context() as patch, io.StringIO() as out, io.StringIO() as error:
            for name, place in self._places(home).items():
                patch.setenv(name, place)
            with redirect_stdout(out), redirect_stderr(error):
                ended = run([*arguments, "--json"])
            assert ended == code, error.getvalue()[-2000:] + out.getvalue()[-2000:]
            return json.loads(out.getvalue())

    def _places(self, home: str) -> dict[str, str]:
        return {"LIVINGLAB_HOME": str(self.folder / home), "LIVINGLAB_KEYS": str(self.folder / "keys")}


@pytest.fixture(scope="module")
def source(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    gait, ehr = folder / "gaitpdb", folder / "fhir"
    gait.mkdir()
    ehr.mkdir()
    with tarfile.open(shared_data / "gaitpdb" / "walks.tar.xz") as archive:
        for name in WALKS:
            member = archive.extractfile(f"{name}.txt")
            assert member is not None
            (gait / f"{name}.txt").write_bytes(member.read())
    (gait / "demographics.txt").write_bytes((shared_data / "gaitpdb" / "demographics.txt").read_bytes())
    for bundle in sorted((shared_data / "synthea_fhir_r4").glob("*.json"))[:BUNDLES]:
        (ehr / bundle.name).write_bytes(bundle.read_bytes())
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def said(lab: Lab, source: Path) -> dict[str, Any]:
    return lab.demo(source)


def by_table(results: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(result["table"]): result for result in results}


def samples(source: Path, names: set[str]) -> int:
    return sum(len((source / "gaitpdb" / f"{name}.txt").read_bytes().splitlines()) for name in names)


def flip_a_digit(file: Path, after: str) -> None:
    """Change one hex digit of the value that follows a name."""
    text = file.read_text()
    place = text.index(after) + len(after) + 10
    file.write_text(text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :])


def test_what_came_in_is_accepted_or_set_aside(said: dict[str, Any], source: Path) -> None:
    for result in (*said["batches"], *said["silver"]):
        assert result["received"] == result["accepted"] + result["quarantined"]
        assert result["quarantined"] == sum(result["reasons"].values())
    walks = by_table(said["batches"])["bronze.gait_walks"]
    assert walks["received"] == samples(source, set(WALKS))
    assert walks["reasons"] == {"duplicate_file": samples(source, {TWICE})}


def test_refine_decides_what_cannot_be_linked(said: dict[str, Any], source: Path) -> None:
    silver = by_table(said["silver"])
    features = silver["silver.gait_features"]
    assert features["reasons"] == {"same_bytes_two_people": samples(source, TWINS)}
    assert features["rows"] == len(WALKS) - len(TWINS) - 1
    people = {name.split("_")[0] for name in WALKS}
    assert silver["silver.gait_people"]["rows"] == len(people)
    assert set(silver["silver.gait_people"]["reasons"]) == {"unlinked_person"}
    assert silver["silver.patients"]["rows"] == BUNDLES


def test_too_few_people_are_a_result_and_not_an_error(said: dict[str, Any]) -> None:
    releases = {release["product"]: release for release in said["releases"]}
    people = releases["gait_people_open"]
    assert people["state"] != "PUBLISHED" or (people["k"] >= 5 and people["l"] >= 2 and people["t"] <= 0.5)
    assert releases["conditions_by_age"]["state"] == "SUBMITTED"
    assert said["prediction"] is None and said["why"]


def test_the_demo_again_gives_the_same_and_adds_no_leaf(lab: Lab, said: dict[str, Any], source: Path) -> None:
    again = lab.demo(source)
    for name in ("batches", "silver", "releases", "answers"):
        assert all(result["repeated"] for result in again[name])
        assert [result["leaf"] for result in again[name]] == [result["leaf"] for result in said[name]]
    assert again["checkpoint"] == said["checkpoint"]


def test_a_stranger_checks_the_proof_in_an_empty_home(lab: Lab, said: dict[str, Any]) -> None:
    bundle, trust = str(lab.folder / "proof.json"), str(lab.folder / "trust.json")
    lab.run("prove", "silver.gait_features", "-o", bundle)
    lab.run("trust", "-o", trust)
    assert lab.run("verify", bundle, "--trust", trust, home="nowhere")["verified"] is True
    assert lab.run("verify", bundle, home="nowhere", code=5)["error"]["code"] == "NOT_VERIFIED"
    assert not (lab.folder / "nowhere").exists()
    flip_a_digit(Path(bundle), after="details_commitment")
    lab.run("verify", bundle, "--trust", trust, home="nowhere", code=5)
    assert said["verified"] is True


def test_the_dpo_decides_and_analysts_stay_outside(lab: Lab, said: dict[str, Any]) -> None:
    waiting = next(r["release"] for r in said["releases"] if r["product"] == "conditions_by_age")
    select = ("query", "SELECT * FROM gold.conditions_by_age", "--purpose", "research", "--as", "analyst")
    lab.run(*select, code=4)
    lab.run("approve", waiting, "--reason", "no", "--as", "engineer", code=4)
    approved = lab.run("approve", waiting, "--reason", "checked with the clinic", "--as", "dpo")
    assert approved["releases"][0]["state"] == "PUBLISHED"
    assert lab.run(*select)["release"] == waiting
    silver = ("query", "SELECT * FROM silver.gait_features", "--purpose", "research", "--as", "analyst")
    lab.run(*silver, code=4)


def test_at_the_end_store_and_log_agree(lab: Lab, said: dict[str, Any]) -> None:
    assert said["checkpoint"]["size"] > 0
    assert lab.run("fsck")["clean"] is True
