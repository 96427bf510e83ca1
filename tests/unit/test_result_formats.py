import json
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.cli.result_formats import as_csv, as_json_rows, as_parquet, as_table


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


def test_a_table_in_a_file_keeps_its_columns_side_by_side():
    """No terminal is there to be too narrow; null and NaN are dashes."""
    wide = pa.table({f"column_{number}": [1.5, float("nan"), None] for number in range(40)})
    header, _, *rows = as_table(wide).splitlines()
    assert header.split() == wide.column_names
    assert [row.split() for row in rows] == [["1.5"] * 40, ["–"] * 40, ["–"] * 40]
