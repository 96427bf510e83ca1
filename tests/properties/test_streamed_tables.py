"""A Parquet file read in parts gives what it gives read whole, whatever its row groups and its values."""

import io
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from read_in_parts import require_parts_of
from test_streamed_reading import visits

from lakehouse.errors import UnreadableInput
from lakehouse.readers import input_files, large_files, parquet, parquet_cells, read_files, streamed_tables
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.large_files import LargeFile
from lakehouse.readers.row_order import GrowingValues
from lakehouse.readers.streamed_tables import stream_table
from lakehouse.readers.text_rows import RowSorter

CONTRACT = visits(format="parquet")
PEOPLE = pa.table({"person": ["P1"] * 9, "step": list(range(9)), "force": [50.0] * 9})
COLUMNS = {
    "person": (st.sampled_from(["P1", "P2", "p1", "", None]), pa.string()),
    "step": (st.integers(0, 20) | st.none(), pa.int64()),
    "force": (st.floats(0, 100) | st.sampled_from([None, float("nan"), -5.0]), pa.float64()),
    "name": (st.sampled_from([None, "", "é", "x" * 40]), pa.string()),
    "raw": (st.sampled_from([b"well", b"\xff", None]), pa.binary()),
    "list": (st.lists(st.sampled_from(["a", "b"]), max_size=2) | st.none(), pa.list_(pa.string())),
}  # fmt: skip
ROWS = st.lists(st.tuples(*[values for values, _ in COLUMNS.values()]), min_size=1, max_size=12)


def table_of(rows) -> pa.Table:
    kinds = {name: kind for name, (_, kind) in COLUMNS.items()}
    return pa.table(
        {n: pa.array(values, kinds[n]) for n, values in zip(kinds, zip(*rows, strict=True), strict=True)}
    )


def written(table: pa.Table, group: int = 4, *, dictionary: bool = True) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=group, use_dictionary=dictionary)
    return sink.getvalue()


def require_same(data: bytes, rows: int) -> None:
    """Read the bytes both ways, in parts twice."""
    file = InputFile(number=3, name="x", load=lambda: data, size=len(data))
    whole = parquet.read(file, CONTRACT)
    found = stream_table(file, CONTRACT, rows=rows)
    require_parts_of(whole, found, data, rows)


@given(rows=ROWS, group=st.integers(1, 9), part=st.integers(1, 7), dictionary=st.booleans())
@settings(max_examples=40)
def test_a_table_in_parts_is_the_same_as_whole(rows, group, part, dictionary):
    require_same(written(table_of(rows), group, dictionary=dictionary), part)


@pytest.mark.parametrize("forgotten", [("_seen", RowSorter), ("_growing", GrowingValues)])
def test_parts_that_forget_the_part_before_are_caught(monkeypatch, forgotten):
    """The broken variant looks for duplicates, or for the highest value, in each part alone."""
    name, new = forgotten

    class Forgetful(RowSorter):
        def sort(self, lines, cells):
            fresh = new(CONTRACT)
            setattr(self, name, fresh._seen if name == "_seen" else fresh)
            return super().sort(lines, cells)

    data = written(pa.table({"person": ["P1"] * 3, "step": [5, 5, 4], "force": [1.0] * 3}))
    require_same(data, 1)
    monkeypatch.setattr(streamed_tables, "RowSorter", Forgetful)
    with pytest.raises(AssertionError):
        require_same(data, 1)


def test_lists_of_text_in_and_beside_a_dictionary_are_read():
    """Writers give dictionaries up where they grow: one row group holds both forms."""
    sink = io.BytesIO()
    lists = pa.array([[f"{n}" * 40] for n in range(9)])
    pq.write_table(
        PEOPLE.append_column("list", lists), sink, dictionary_pagesize_limit=64, write_batch_size=1
    )
    require_same(sink.getvalue(), 3)
    assert len(set(parquet.text_columns(sink.getvalue())["list"])) == 9


def test_long_texts_make_parts_short(monkeypatch):
    """A dictionary holds a text once, rows hold it each."""
    monkeypatch.setattr(parquet_cells, "PIECE_TEXT", 100)
    table = PEOPLE.append_column("note", pa.array(["x" * 30] * 9))
    require_same(written(table, 9), 9)
    file = InputFile(number=1, name="x", load=lambda: written(table, 9))
    assert [part.received for part in stream_table(file, CONTRACT).parts()] == [2, 2, 2, 3]


@pytest.mark.parametrize(
    ("limit", "value"),
    [(input_files, ("WHOLE_LIMIT", 0)), (parquet, ("PART_CELLS", 5))],
    ids=["bytes", "cells"],
)
def test_large_files_and_much_in_small_ones_are_read_in_parts(tmp_path, monkeypatch, limit, value):
    pq.write_table(PEOPLE, tmp_path / "x.parquet")
    contract = replace(CONTRACT, files=("*.parquet",))
    (whole,) = read_files([tmp_path], contract)
    monkeypatch.setattr(limit, *value)
    (large,) = read_files([tmp_path], contract)
    assert not isinstance(whole, LargeFile) and isinstance(large, LargeFile)
    assert next(large.parts()) == whole


def found_in(path: Path):
    size = path.stat().st_size
    return stream_table(
        InputFile(number=1, name="x", load=path.read_bytes, size=size, path=path), CONTRACT, rows=2
    )


@pytest.mark.parametrize("change", [written(PEOPLE.slice(1)), written(PEOPLE)[:-1], b"", None])
def test_a_file_that_changes_between_two_readings_is_refused(tmp_path, change):
    path = tmp_path / "x.parquet"
    path.write_bytes(written(PEOPLE))
    found = found_in(path)
    path.write_bytes(change) if change is not None else path.unlink()
    with pytest.raises(UnreadableInput, match="changed while it was read"):
        list(found.parts())


def test_what_cannot_be_set_aside_stops_the_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(large_files, "FILE_LIMIT", 10)
    path = tmp_path / "x.parquet"
    path.write_bytes(written(PEOPLE)[:-1])
    with pytest.raises(UnreadableInput, match="unreadable_file"):
        found_in(path)
