import json
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.cli.result_formats import as_csv, as_json_rows, as_parquet


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_looks_like_a_formula_is_defused(start):
    """An apostrophe stands before it, so that no spreadsheet runs it."""
    assert f"'{start}cmd" in as_csv(pa.table({"note": [f"{start}cmd"]}))


def test_numbers_stay_numbers_and_null_is_empty():
    """-1.5 is no formula."""
    assert as_csv(pa.table({"x": [-1.5, None], "y": ["a,b", None]})) == 'x,y\n-1.5,"a,b"\n,\n'


def test_headers_are_defused_too():
    """A column alias can be a formula as well."""
    assert as_csv(pa.table({"=1+1": [1]})).startswith("'=1+1")


def test_json_has_one_object_a_row():
    """NaN becomes null."""
    assert json.loads(as_json_rows(pa.table({"x": [1.0, float("nan")]}))) == [{"x": 1.0}, {"x": None}]


def test_parquet_reads_back():
    """The bytes are a Parquet file of the same rows."""
    rows = pa.table({"x": [1, 2]})
    assert pq.read_table(BytesIO(as_parquet(rows))).equals(rows)
