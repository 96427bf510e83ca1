"""Whatever bytes a file holds, a reader neither fails nor loses a row."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.errors import UnreadableInput
from lakehouse.readers import find_reader
from lakehouse.readers.archives import ARCHIVE_SUFFIXES, read_members
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.text_rows import split_lines

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "expectations")
NAMES = {
    "gait_people": "demographics.txt",
    "gait_walks": "GaPt03_01.txt",
    "ehr": "x.json",
    "clinic_notes": "notes.jsonl",
    "consents": "consent.jsonl",
}
DATASETS = [(CONTRACTS.by_table[f"bronze.{name}"], file) for name, file in NAMES.items()]
EXAMPLES = 20_000 if os.environ.get("LIVINGLAB_SOAK") else 200
QUICK = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GRAINS = [
    b"ID\tStudy\tGroup\n",
    b"GaPt03",
    b"\t",
    b"\n",
    b"\r\n",
    b"0.01",
    b"NaN",
    b"-inf",
    b"\xff",
    b'"',
    b"1e9",
]
GRAINS += [
    b'{"person_id":"C-1"',
    b'"text":"x"}',
    b'{"resourceType":"Patient","id":"a"}',
    b"[",
    b"{",
    b"}",
    b",",
]
HEADER = "\t".join(column.source for column in DATASETS[0][0].columns).encode() + b"\n"
GRAINS += [HEADER]
GRAINS += [b"\x00", b"\xef\xbb\xbf", b'"\\ud800"', "é".encode(), b"9" * 30]
people = st.lists(st.lists(st.sampled_from(["GaPt03", "1", "x", "", "NaN", "-0"]), min_size=19, max_size=21))
people = people.map(lambda rows: HEADER + "\n".join("\t".join(row) for row in rows).encode())
messy = st.lists(st.sampled_from(GRAINS) | st.binary(max_size=6), max_size=40).map(b"".join)
walk_lines = st.lists(
    st.lists(st.sampled_from(["0.5", "0", "x", "", "nan", "1e400"]), min_size=18, max_size=20).map("\t".join),
    max_size=6,
).map(lambda lines: "\n".join(lines).encode())


def read(contract, name, data):
    file = InputFile(number=1, name=name, load=lambda: data)
    return find_reader(contract.format)(file, contract)


@pytest.mark.parametrize(("contract", "name"), DATASETS, ids=list(NAMES))
@given(data=messy | walk_lines | people)
@example(data=b"\xef\xbb\xbf")
@QUICK
def test_no_bytes_make_a_reader_fail_or_lose_a_row(contract, name, data):
    found = read(contract, name, data)
    assert len(found.rows) + len(found.rejected) == found.received
    places = [row.row for row in found.rejected] + found.rows["row"].to_pylist()
    assert len(set(places)) == len(places)


@given(data=messy)
@QUICK
def test_lines_and_their_ends_make_the_file_again(data):
    assert b"\n".join(split_lines(data.replace(b"\r", b""))) == data.replace(b"\r", b"").removesuffix(b"\n")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "resourceType", "x"]), inner)
    ),
    max_leaves=8,
)
patients = st.dictionaries(
    st.sampled_from(["id", "identifier", "name", "telecom", "address", "extension", "subject", "contained"]),
    json_values,
)


@given(
    resources=st.lists(st.tuples(st.sampled_from(["Patient", "Condition", "Claim"]), patients), max_size=4)
)
@QUICK
def test_no_resource_of_any_shape_makes_the_fhir_reader_fail(resources):
    entries = [{"resource": {**content, "resourceType": kind}} for kind, content in resources]
    data = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    found = read(CONTRACTS.by_table["bronze.ehr"], "x.json", data)
    assert len(found.rows) + len(found.rejected) == found.received == len(resources)


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
@given(data=st.binary(max_size=2000) | st.integers(0, 1500).map(lambda n: b"GaPt03_01.txt".ljust(n, b"\0")))
@settings(
    max_examples=EXAMPLES // 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_bytes_make_an_archive_fail_otherwise(tmp_path, suffix, data):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(data)
    try:
        members = list(read_members(path))
    except UnreadableInput:
        members = []
    assert all(isinstance(content, bytes) for _, content in members)


cells = st.dictionaries(
    st.text(max_size=4),
    st.one_of(
        st.lists(st.none() | st.text(max_size=4), min_size=2, max_size=2),
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=2),
        st.lists(st.floats(), min_size=2, max_size=2),
        st.lists(st.none() | st.binary(max_size=4), min_size=2, max_size=2),
    ),
    max_size=4,
)


def parquet_bytes(columns):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize(("contract", "name"), DATASETS[:1], ids=["people"])
@given(columns=cells, place=st.integers(0), value=st.integers(0, 255), changed=st.booleans())
@QUICK
def test_no_parquet_makes_its_reader_fail_or_lose_a_row(contract, name, columns, place, value, changed):
    """Any columns of any types, whole or with one byte changed."""
    try:
        data = bytearray(parquet_bytes(columns))
    except UnicodeEncodeError:
        return
    if changed:
        data[place % len(data)] = value
    own = replace(contract, format="parquet", format_options={})
    found = read(own, name, bytes(data))
    assert len(found.rows) + len(found.rejected) == found.received


def test_a_reader_that_fails_is_caught():
    """The broken variant lets one kind of bytes through to `bytes.decode`."""

    @given(data=messy)
    @settings(max_examples=200, database=None, deadline=None)
    def decoded(data):
        data.decode()

    with pytest.raises(UnicodeDecodeError):
        decoded()


def test_naughty_strings_are_taken_or_set_aside(shared_data):
    """Texts that break programs (Big List of Naughty Strings) as identifiers and as notes."""
    strings = json.loads((shared_data.parent / "vectors" / "naughty-strings" / "blns.json").read_text())
    notes = [{"note_id": f"n{n}", "person_id": "C-1", "text": text} for n, text in enumerate(strings)]
    notes += [{"note_id": f"m{n}", "person_id": text, "text": "x"} for n, text in enumerate(strings)]
    data = "\n".join(json.dumps(note) for note in notes).encode()
    found = read(CONTRACTS.by_table["bronze.clinic_notes"], "notes.jsonl", data)
    assert len(found.rows) + len(found.rejected) == found.received == 2 * len(strings)
    assert {row.reason for row in found.rejected} <= {"no_person", "id_not_canonical", "missing_value"}
