"""Which rows of a portion stay: the newest of a key, and what nobody refused."""

import pyarrow as pa

from lakehouse.adapters.silver_rows import kept_rows, superseded_rows

ROWS = pa.table({"subject": ["ann", "ann", "ben", None], "visit": [1, 1, 1, 1], "pulse": [60, 62, 70, 80]})


def test_the_newest_row_of_a_person_and_key_stands():
    """Ann's first pulse of visit 1 is superseded, unless the later one is refused itself."""
    assert superseded_rows(ROWS, ["subject", "visit"], ()) == [0]
    assert superseded_rows(ROWS, ["subject", "visit"], {1: ("out_of_range", "pulse")}) == []
    assert superseded_rows(ROWS, ["subject"], ()) == [0]
    assert superseded_rows(ROWS, ["visit", "pulse"], ()) == []
    assert superseded_rows(ROWS, (), ()) == superseded_rows(ROWS.slice(0, 0), ["visit"], ()) == []


def test_what_nobody_refused_is_kept():
    """All rows, or all but the refused ones."""
    assert kept_rows(ROWS, ()) is ROWS
    assert kept_rows(ROWS, iter([0, 3]))["pulse"].to_pylist() == [62, 70]
