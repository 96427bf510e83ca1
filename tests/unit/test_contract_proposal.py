"""`contracts propose`: a contract that loads, says why, and shows nobody's value."""

import json
import tomllib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.adapters.contract_proposals import propose_contract
from lakehouse.adapters.presidio_detector import Detector
from lakehouse.core.column_profile import common_pattern, outward_bounds, shape_of
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.core.contract_proposal import render_proposal
from lakehouse.errors import UnreadableInput, WrongUse

PEOPLE = 40
ROWS = [
    {
        "Patient-ID": f"P{number:04}",
        "Full name": f"Zebulon Quackenbush{number}",
        "E-mail": f"zeb{number}@example.org",
        "Age": str(31 + number),
        "Sex": "FM"[number % 2],
        "Seen on": f"2019-03-{1 + number % 28:02}",
        "Jitter(%)": f"0.{100 + number}",
        "Remark": f"Walked without aid to the ward and back again, round {number} of many.",
        "Arm": "control" if number else "rare-arm",
        "Site": "?" if number % 4 == 0 else "x",
    }
    for number in range(PEOPLE)
]


@pytest.fixture(scope="module")
def detector():
    return Detector()


def written(folder, form):
    path = folder / f"visits.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif form == "jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    else:
        mark = "\t" if form == "tsv" else ","
        lines = [mark.join(f'"{cell}"' for cell in row.values()) for row in ROWS]
        path.write_text("\n".join([mark.join(ROWS[0]), *lines]) + "\n")
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_a_proposal_parses_and_says_what_each_column_is(tmp_path, detector, form):
    """The same columns give the same contract in each format, by our own loader."""
    text = render_proposal(propose_contract(written(tmp_path, form), "visits", detector, "en"))
    contract = parse_contract(tomllib.loads(text), "visits.toml")
    said = {c.name: (c.type.value, c.sensitivity.value, c.handling.method) for c in contract.columns}
    assert said == {
        "patient_id": ("text", "direct", "pseudonymise"),
        "full_name": ("text", "direct", "seal"),
        "e_mail": ("text", "direct", "seal"),
        "age": ("integer", "quasi", "keep"),
        "sex": ("text", "quasi", "keep"),
        "seen_on": ("date", "quasi", "seal"),
        "jitter": ("number", "sensor", "keep"),
        "remark": ("text", "free_text", "seal"),
        "arm": ("text", "sensitive", "keep"),
        "site": ("text", "plain", "keep"),
    }
    assert contract.subject.column == "patient_id"
    assert contract.column("patient_id").id_pattern == "[A-Za-z]{1,2}[0-9]{3,5}"
    assert contract.column("jitter").unit == "%"
    assert contract.column("sex").allowed == ("F", "M")
    assert contract.column("site").null_values == ("", "?")


def shown_values(text):
    """Return the values of single people that a text shows; categories of a crowd are nobody's."""
    crowd = {"F", "M", "x", "?", "control"}
    return {cell for row in ROWS for cell in row.values() if cell not in crowd and f'"{cell}"' in text} | {
        cell for row in ROWS for cell in row.values() if len(cell) > 4 and cell not in crowd and cell in text
    }


def test_no_value_of_a_person_is_shown(tmp_path, detector):
    """Shapes, rounded bounds, and words that stand in ten rows; a value of one row is in none of them."""
    text = render_proposal(propose_contract(written(tmp_path, "csv"), "visits", detector, "en"))
    assert shown_values(text) == set()
    assert "rare-arm" not in text
    assert "9999-99-99" in text


def test_a_proposal_with_all_categories_would_show_one():
    """The broken variant: an `allowed` list of whatever occurs names the one person of the rare arm."""
    assert shown_values('allowed = ["control", "rare-arm"]') == {"rare-arm"}


def test_a_file_without_a_header_shows_no_first_row(tmp_path, detector):
    """A first line with a number or an address in it is data, not names of columns."""
    path = tmp_path / "visits.csv"
    path.write_text("Ann Conroy,ann@example.org,1\nBen Conroy,ben@example.org,2\n")
    text = render_proposal(propose_contract(path, "visits", detector, "en"))
    assert "Conroy" not in text
    assert "header = false" in text
    assert parse_contract(tomllib.loads(text), "visits.toml").column("column_1") is not None


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"", "data"),
        (b"a,b\n", "data"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", "fields"),
        (b"\xff\xfe\x00", "convert"),
        (b'{"a": 1}\n[]\n', "object"),
        (b"PAR1 broken", "anew"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path, detector, content, remedy):
    """Exit code 2, without the file's name or a word of it."""
    path = tmp_path / "visits.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableInput) as caught:
        propose_contract(path, "visits", detector, "en")
    assert remedy in caught.value.remedy
    assert "visits" not in caught.value.message


def test_a_name_must_be_one(tmp_path, detector):
    """The data set's name becomes a folder and a table."""
    with pytest.raises(WrongUse):
        propose_contract(written(tmp_path, "csv"), "No Name!", detector, "en")


def test_hostile_headers_stay_inside_their_quotes(tmp_path, detector):
    """A header with quotes, brackets and line ends cannot write a line of the contract."""
    path = tmp_path / "visits.jsonl"
    header = 'a"]\n[[column]]\nname = "evil'
    path.write_text("".join(json.dumps({header: "x", "b": str(n)}) + "\n" for n in range(20)))
    text = render_proposal(propose_contract(path, "visits", detector, "en"))
    contract = parse_contract(tomllib.loads(text), "visits.toml")
    assert [column.source for column in contract.columns] == [header, "b"]


def test_shapes_bounds_and_patterns():
    """Digits are 9, letters a or A; bounds are nobody's value; a pattern has room for the next number."""
    assert shape_of("Ab-12\n") == "Aa-99 "
    assert outward_bounds(2014, 2015) == (0.0, 2100.0)
    assert outward_bounds(-4, 6) == (-9.0, 11.0)
    assert common_pattern(["S01", "S12"]) == "[A-Za-z]{1,2}[0-9]{1,3}"
    assert common_pattern(["a b", "c"]) == "[A-Za-z0-9._-]{1,4}"
