"""Proofs that `livinglab prove` made of a real home: file and `livinglab verify` end with the same code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_documents  # noqa: F401  makes the samples of other folders importable
from home_samples import BRONZE, GOLD, make_home
from two_verifiers import FILE

from lakehouse.cli.main import run

PROVED = (GOLD, f"{BRONZE}@0", "decision-1", "answer-1", "release-1", "pd_screen")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Bundles of everything a home has, one on paper, and the trust file."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("proofs")
        make_home(place, patch)
        assert run(["trust", "-o", str(place / "trust.json")]) == 0
        for number, what in enumerate(PROVED):
            assert run(["prove", what, "-o", str(place / f"{number}.json")]) == 0
        for ending in ("html", "txt"):
            assert run(["paper", str(place / "0.json"), "-o", str(place / f"paper.{ending}")]) == 0
        yield place


def both(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, int, list[str]]:
    """Return the exit codes of both commands, and the steps on which they differ."""
    arguments = [str(folder / name), "--trust", str(folder / "trust.json"), "--json"]
    capsys.readouterr()
    code = run(["verify", *arguments])
    here = json.loads(capsys.readouterr().out)
    done = subprocess.run([sys.executable, "-I", str(FILE), *arguments], capture_output=True, check=False)
    there = json.loads(done.stdout)
    assert here["record"] == there["record"]
    steps = [
        one["name"]
        for one, other in zip(here["checks"], there["checks"], strict=True)
        if one["ok"] != other["ok"]
    ]
    return code, done.returncode, steps


@pytest.mark.parametrize("number", range(len(PROVED)), ids=PROVED)
def test_both_commands_verify_what_a_site_proves(
    folder: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert both(folder, f"{number}.json", capsys) == (0, 0, [])


@pytest.mark.parametrize("name", ["paper.html", "paper.txt"])
def test_both_commands_read_paper(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert both(folder, name, capsys) == (0, 0, [])


def test_both_commands_refuse_a_record_that_was_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (folder / "0.json").read_bytes()
    (folder / "changed.json").write_bytes(data.replace(b'"kind":"write"', b'"kind":"delete"'))
    assert both(folder, "changed.json", capsys) == (5, 5, [])
