"""What `contracts lint` says where a contract and the policy do not fit."""

import json
import shutil
from pathlib import Path

import pytest

from lakehouse.cli import main as command_line

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"


@pytest.fixture
def lint(tmp_path, capsys):
    """Lint the project's contracts after replacing text in some of them."""

    def run(*mistakes: tuple[str, str, str]) -> dict[str, object]:
        folder = tmp_path / "expectations"
        shutil.copytree(EXPECTATIONS, folder)
        for file, right, wrong in mistakes:
            text = (folder / file).read_text()
            assert right in text
            (folder / file).write_text(text.replace(right, wrong))
        assert command_line.run(["contracts", "lint", str(folder), "--json"]) == 2
        error: dict[str, object] = json.loads(capsys.readouterr().out)["error"]
        return error

    return run


K_TOO_SMALL = ("gold/gait_people_open.toml", "k = 5\n", "k = 1\n")
UNKNOWN_INPUT = ("gold/gait_people_open.toml", '"silver.gait_people"', '"silver.gait_peopel"')


def test_a_fault_names_its_file_and_key_once(lint):
    error = lint(K_TOO_SMALL)
    assert (error["file"], error["key"]) == ("gold/gait_people_open.toml", "release.k")
    assert error["message"] == "gold/gait_people_open.toml: release.k: is below the policy's floor of 5"


def test_the_first_of_several_faults_stands_whole_and_names_the_others(lint):
    error = lint(K_TOO_SMALL, ("gold/gait_by_cohort.toml", "minimum_cell = 5", "minimum_cell = 2"))
    message = str(error["message"])
    assert "(and 1 more: " in message
    assert message.count("release.k: ") == 1 and message.count("release.minimum_cell: ") == 1


def test_a_gold_input_without_contract_is_a_fault_of_reads(lint):
    error = lint(UNKNOWN_INPUT)
    assert error["key"] == "reads" and "silver.gait_people" in error["allowed"]
