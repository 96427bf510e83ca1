"""Daphnet recordings: whole numbers between blanks, whose they are from the file name, faults set aside."""

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.adapters.contract_files import load_policy
from lakehouse.core.contract_lint import lint_contracts
from lakehouse.errors import ContractError
from lakehouse.readers import daphnet
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.reading_again import AsideRow, framed, read_again
from lakehouse.sites import read_contracts

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    """The project's contracts and one file more: that is all a new source takes."""
    import shutil

    folder = tmp_path_factory.mktemp("contracts") / "expectations"
    shutil.copytree(PROJECT / "expectations", folder)
    shutil.copytree(PROJECT / "tests" / "freezing_source", folder, dirs_exist_ok=True)
    contracts = read_contracts(folder)
    assert lint_contracts(contracts, load_policy(folder, "research")) == []
    return contracts.by_table["bronze.freezing_gait"]


def line(time, annotation=1):
    return f"{time} 70 39 -970 0 0 0 0 0 0 {annotation}"


def read(contract, lines, name="S01R02.txt", end="\n"):
    data = "".join(f"{one}{end}" for one in lines).encode()
    return daphnet.read(InputFile(number=1, name=name, load=lambda: data), contract)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_recording_is_read_with_what_its_name_says(contract, end):
    """As the mirror has it, and with the line ends of other systems."""
    found = read(contract, [line(15, 0), line(31), line(46, 2)], end=end)
    assert found.rows.column("time_ms").to_pylist() == [15, 31, 46]
    assert found.rows.column("ankle_lateral").to_pylist() == [-970] * 3
    assert found.rows.column("annotation").to_pylist() == [0, 1, 2]
    assert (found.constants, found.identity) == ({"person_id": "S01", "run": 2}, "S01R02")
    assert (found.received, found.rejected) == (3, ())


@pytest.mark.parametrize("bad", [
    ("31 70 39", "wrong_column_count"), ("", "empty_line"), (line(31, 3), "out_of_range"),
    (line("late"), "not_a_number"), (line(14), "not_in_order"),
    (line(31).replace("70", "7e99"), "not_a_number"),
])  # fmt: skip
def test_a_bad_line_is_set_aside_with_its_reason_and_its_person(contract, bad):
    given, reason = bad
    found = read(contract, [line(15), given, line(46)])
    (row,) = found.rejected
    assert (row.row, row.person_id, row.system) == (2, "S01", "daphnet")
    assert row.reason == reason
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    "name", ["s01R02.txt", "S1R02.txt", "S01R2.txt", "S01.txt", "S01R02.csv", "Ｓ01R02.txt"]
)
def test_a_name_that_is_not_canonical_is_nobodys(contract, name):
    found = read(contract, [line(15)], name)
    assert [row.reason for row in found.rejected] == ["id_not_canonical"]
    assert (found.received, len(found.rows)) == (1, 0)


@pytest.mark.parametrize("data", [b"", b"\0" * 50, b"\xff\xfe1\x002\x00", b"PK\x03\x04" + b"x" * 99])
def test_what_is_no_recording_loses_nothing_and_stays_that_persons(contract, data):
    found = daphnet.read(InputFile(number=1, name="S01R02.txt", load=lambda: data), contract)
    assert found.received == len(found.rejected) + len(found.rows) == 1
    assert found.rejected[0].person_id == "S01"


def test_a_contract_that_leaves_a_column_out_is_refused(contract):
    from dataclasses import replace

    less = replace(contract, columns=contract.columns[:-1])
    with pytest.raises(ContractError, match="is not declared"):
        read(less, [line(15)])


def test_the_real_recordings_are_read_whole(contract, shared_data):
    """One of the five that are here: every line taken, half of them outside the experiment."""
    data = (shared_data / "daphnet" / "S03R02.txt").read_bytes()
    found = daphnet.read(InputFile(number=1, name="S03R02.txt", load=lambda: data), contract)
    assert (found.received, len(found.rows), found.rejected) == (38_774, 38_774, ())


def test_what_is_set_aside_is_read_again_under_the_name_it_came_with(contract):
    """A line above a limit comes in as the person's whom the name says; a name of nobody stays nobody's."""
    high = read(contract, [line(15), line(30).replace(" 70 ", " 200000 "), line(45)])
    (row,) = high.rejected
    columns = tuple(replace(one, maximum=None) if one.unit == "mg" else one for one in contract.columns)
    aside = AsideRow(row=row.row, raw=framed(contract, high.frame, row))
    (found,) = read_again([aside], replace(contract, columns=columns), file=1)
    assert (found.rows["row"].to_pylist(), found.rows["sample"].to_pylist()) == ([2], [1])
    assert found.constants["person_id"] == "S01"

    unknown = read(contract, [line(15), line(30)], name="S01R002.txt")
    (whole,) = unknown.rejected
    aside = AsideRow(row=None, raw=framed(contract, unknown.frame, whole))
    (stays,) = read_again([aside], contract, file=1)
    assert [one.reason for one in stays.rejected] == ["id_not_canonical"]
