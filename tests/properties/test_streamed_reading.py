"""A file read in parts gives what it gives read whole, however small the parts and hostile the bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from read_in_parts import require_parts_of

from lakehouse.adapters.seen_keys import SeenKeys
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.errors import UnreadableInput
from lakehouse.readers import (
    csv,
    input_files,
    json_lines,
    large_files,
    read_files,
    row_order,
    streamed_lines,
    whole_files,
)
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.large_files import LargeFile
from lakehouse.readers.row_order import GrowingValues, UsualMedians
from lakehouse.readers.streamed_lines import stream_lines
from lakehouse.readers.text_rows import RowSorter

VISITS = {
    "layer": "bronze", "name": "visits", "title": "Visits", "revision": 1, "format": "csv",
    "folder": "clinic", "files": ["*.csv"], "grain": "one visit", "population": "clinic",
    "purposes": ["research"], "retention_days": 10, "increasing": "step",
    "subject": {"column": "person", "system": "clinic"},
    "column": [
        {"name": "person", "type": "text", "sensitivity": "direct", "handling": "pseudonymise",
         "id_pattern": "P[0-9]+"},
        {"name": "step", "type": "integer", "sensitivity": "sensor"},
        {"name": "force", "type": "number", "sensitivity": "sensor", "usual_median": [0, 100]},
    ],
}  # fmt: skip
EXTRA = (b"", b',"x"', b",x", b",", b",more\xe9", "é,😀".encode())
HEADERS = st.builds(
    lambda mark, header, more: mark + header + more,
    st.sampled_from([b"", b"", b"\xef\xbb\xbf"]),
    st.sampled_from([b"person,step,force"] * 12 + [b"force,step,person", b"person,step,step", b"person"]),
    st.sampled_from([b""] * 4 + list(EXTRA)),
)  # fmt: skip
CELLS = [
    b"P1",
    b"P2",
    b"1",
    b"2",
    b"3",
    b"50",
    b"2.5",
    b"",
    b" ",
    b"NA",
    b"-0.0",
    b"1e400",
    b"a\rb",
    b'"q,q"',
]
CELLS += [b'"a\nb"', b'"', b'""', "é".encode(), b"\xe9", b"\xff\xfe", b"\xc2\x85", b"x" * 40]
SOUND = st.builds(
    lambda person, step, force: b"P%d,%d,%d" % (person, step, force),
    st.integers(1, 3), st.integers(0, 40), st.integers(-5, 105),
)  # fmt: skip
MESSY = st.lists(st.sampled_from(CELLS), max_size=6).map(b",".join)
ENDS = st.sampled_from([b"\n"] * 6 + [b"\r\n", b"\r", b"\n\n", b"\r\r\n", b""])
BODY = st.lists(st.tuples(st.one_of(*[SOUND] * 5, MESSY), ENDS).map(b"".join), max_size=25).map(b"".join)
TABLES = st.builds(lambda head, end, body: head + end + body, HEADERS, ENDS, BODY)
HOSTILE = st.builds(
    lambda data, grain, place: data[: place % (len(data) + 1)] + grain + data[place % (len(data) + 1) :],
    TABLES, st.sampled_from([b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b'"', b"\xff\xfe"]), st.integers(0, 400),
)  # fmt: skip
OPTIONS = st.sampled_from([{}, {}, {}, {"header": False}, {"encoding": "latin-1"}, {"quote": ""}])
DRIFT = st.sampled_from([{}, {}, {"gone": "null"}, {"added": "set_aside"}])
RECORDS = st.lists(
    st.one_of(
        st.builds('{{"person":"P{}","step":{},"force":{}}}'.format, *[st.integers(1, 9)] * 3),
        st.builds('{{"person":"P{}","{}":"{}"}}'.format, *[st.integers(1, 9)] * 3),
        st.sampled_from(["", "{}", "[", '{"person":1e2}', '{"x":null}', '{"x":"\\ud800"}', '{"a":1,"a":2}']),
    ),
    max_size=25,
).map(lambda lines: "\n".join(lines).encode())
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module", autouse=True)
def small_limits():
    """Eight faults make a file unreadable and three values a median, so that short files reach them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_files, "FAULT_LIMIT", 8)
        patch.setattr(row_order, "LEAST_VALUES", 3)
        yield


def visits(**changes):
    return parse_contract({**VISITS, **changes}, "bronze/visits.toml")


def require_same(data, contract, rows, form=csv):
    """Read the bytes both ways."""
    begin = csv.csv_form if form is csv else json_lines.json_form
    file = InputFile(number=3, name="x", load=lambda: data, size=len(data))
    whole = form.read(file, contract)
    found = stream_lines(file, contract, begin, rows=rows)
    require_parts_of(whole, found, data, rows)


@given(data=TABLES | HOSTILE, rows=st.integers(1, 7), options=OPTIONS, drift=DRIFT, keyed=st.booleans())
@example(data=b"person,step,force\nP1,1,1\nP1,1,1\n", rows=1, options={}, drift={}, keyed=True)
@example(data=b"person,step,force\nP1,1,1\nP1,2", rows=1, options={}, drift={}, keyed=True)
@example(data=b"\xef\xbb\xbf", rows=1, options={}, drift={}, keyed=True)
@example(data=b"", rows=1, options={"header": False}, drift={}, keyed=True)
@QUICK
def test_delimited_text_in_parts_is_the_same_as_whole(data, rows, options, drift, keyed):
    contract = visits(format_options=options, drift=drift)
    require_same(data, contract if keyed else replace(contract, subject=None), rows)


@given(data=RECORDS, rows=st.integers(1, 7), drift=DRIFT)
@QUICK
def test_json_lines_in_parts_are_the_same_as_whole(data, rows, drift):
    require_same(data, visits(format="json_lines", drift=drift), rows, json_lines)


@pytest.mark.parametrize("forgotten", [("_seen", SeenKeys), ("_growing", lambda: GrowingValues(visits()))])
def test_parts_that_forget_the_part_before_are_caught(monkeypatch, forgotten):
    """The broken variant: duplicates, or the highest value, are looked for in each part alone."""
    name, new = forgotten

    class Forgetful(RowSorter):
        def sort(self, lines, cells):
            setattr(self, name, new())
            return super().sort(lines, cells)

    data = b"person,step,force\nP1,5,1\nP1,5,1\nP1,4,1\n"
    require_same(data, visits(), 1)
    monkeypatch.setattr(streamed_lines, "RowSorter", Forgetful)
    with pytest.raises(AssertionError):
        require_same(data, visits(), 1)


@given(values=st.lists(st.integers(-3, 103) | st.floats(-1e9, 1e9), max_size=12), size=st.integers(1, 5))
@QUICK
def test_a_median_is_compared_without_the_values(values, size):
    """NumPy's median of all values says the same."""
    medians = UsualMedians(visits())
    for start in range(0, len(values), size):
        medians.take({"force": pa.array(values[start : start + size], pa.float64())})
    usual = len(values) < 3 or 0 <= float(np.median(np.array(values, float))) <= 100
    assert medians.unusual() == (None if usual else "force")


def test_a_large_file_is_read_in_parts(tmp_path, monkeypatch):
    """Only its size decides; the rows are numbered through the file."""
    monkeypatch.setattr(input_files, "WHOLE_LIMIT", 100)
    for name, lines in (("a.csv", 4), ("b.csv", 40)):
        rows = [f"P{n},{n},50" for n in range(lines)]
        (tmp_path / name).write_text("\n".join(["person,step,force", *rows]))
    small, large = read_files([tmp_path], visits())
    assert not isinstance(small, LargeFile)
    assert isinstance(large, LargeFile)
    places = [row for part in large.parts() for row in part.rows["row"].to_pylist()]
    assert places == list(range(1, 41))


def stream_of(path: Path, contract):
    size = path.stat().st_size
    return stream_lines(
        InputFile(number=1, name="x", load=path.read_bytes, size=size, path=path), contract, csv.csv_form
    )


@pytest.mark.parametrize("change", [b"person,step,force\nP1,1,2\n", b"person,force,step\nP1,1,1\n", b""])
def test_a_file_that_changes_between_two_readings_is_refused(tmp_path, change):
    path = tmp_path / "x.csv"
    path.write_bytes(b"person,step,force\nP1,1,1\n")
    found = stream_of(path, visits())
    path.write_bytes(change)
    with pytest.raises(UnreadableInput, match="changed while it was read"):
        list(found.parts())


def test_a_file_that_went_away_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"person,step,force\nP1,1,1\n")
    found = stream_of(path, visits())
    path.unlink()
    with pytest.raises(UnreadableInput, match="may not be read"):
        list(found.parts())


@pytest.mark.parametrize(
    ("data", "said"), [(b"step,force\n1,1\n", "column_gone"), (b"person,step,force\n\0", "unreadable_file")]
)
def test_what_cannot_be_set_aside_stops_the_batch(tmp_path, monkeypatch, data, said):
    """A bad file beyond the limit is not sealed as one entry; the message says why it is bad."""
    monkeypatch.setattr(large_files, "FILE_LIMIT", 10)
    (tmp_path / "x.csv").write_bytes(data)
    with pytest.raises(UnreadableInput, match=said):
        stream_of(tmp_path / "x.csv", visits())


def test_a_line_that_cannot_be_set_aside_stops_the_batch(tmp_path, monkeypatch):
    from lakehouse.readers import hashed_lines

    monkeypatch.setattr(hashed_lines, "FILE_LIMIT", 50)
    monkeypatch.setattr(hashed_lines, "RAW_LIMIT", 30)
    (tmp_path / "x.csv").write_bytes(b"person,step,force\n" + b"P1,1," + b"1" * 25 + b"\n")
    assert [part.received for part in stream_of(tmp_path / "x.csv", visits()).parts()] == [1]
    (tmp_path / "x.csv").write_bytes(b"person,step,force\n" + b"P1,1," + b"1" * 40 + b"\n")
    with pytest.raises(UnreadableInput, match="a line of an input file has more than 30 bytes"):
        stream_of(tmp_path / "x.csv", visits())
