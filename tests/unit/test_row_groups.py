"""Rows that are equal in some columns, found by numbers instead of tuples."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.adapters import row_groups
from lakehouse.adapters.bronze_rows import repeated_keys
from lakehouse.adapters.row_groups import distinct_rows, group_numbers
from lakehouse.adapters.seen_keys import SeenKeys, pseudonym_keys

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "", None]), st.sampled_from([0, 1, -1, None]), st.sampled_from([b"", b"x"])
    ),
    max_size=12,
)
TYPES = (pa.string(), pa.int64(), pa.binary())


def columns_of(rows):
    return [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(TYPES)]


@pytest.fixture(params=["as it is", "narrow"], autouse=True)
def largest(request, monkeypatch):
    """Numbers that would leave 64 bits are made small first; here also those that would pass 40."""
    if request.param == "narrow":
        monkeypatch.setattr(row_groups, "_LARGEST", 40)


@given(rows=ROWS)
def test_rows_have_one_number_where_their_tuples_are_equal(rows):
    """Null is a value of its own, not an empty text."""
    numbers = group_numbers(columns_of(rows)).tolist()
    for one, own in zip(rows, numbers, strict=True):
        assert [other == one for other in rows] == [number == own for number in numbers]


@given(rows=ROWS)
def test_each_row_takes_the_first_that_is_like_it(rows):
    """First rows and groups give every row back."""
    first, groups = distinct_rows(columns_of(rows))
    assert [rows[first[group]] for group in groups] == rows
    assert sorted(first.tolist()) == sorted({rows.index(row) for row in rows})


def test_a_key_that_stood_in_an_earlier_row_is_repeated():
    """(ann, 1) comes twice; nobody's (null, 1) is another key, twice as well."""
    table = pa.table({"subject": ["ann", "ben", None, "ann", None], "visit": [1, 1, 1, 1, 1]})
    assert repeated_keys(table, ["visit"]).tolist() == [3, 4]


def test_a_number_that_leaves_out_null_is_caught(monkeypatch):
    """The broken variant: with null as the first value, nobody's row is taken for Ann's."""
    fill = pc.fill_null
    monkeypatch.setattr(pc, "fill_null", lambda codes, _null: fill(codes, 0))
    with pytest.raises(AssertionError):
        test_a_key_that_stood_in_an_earlier_row_is_repeated()


def test_people_are_counted_once_over_all_portions():
    """Ben stands in two portions: three people."""
    ann, ben, eve = ("00" * 16, "a0" + "00" * 15, "00" * 15 + "0a")
    seen = SeenKeys()
    assert not seen.repeated(pseudonym_keys([ann, ben])).any()
    assert seen.repeated(pseudonym_keys([eve, ben])).tolist() == [False, True]
    assert len(pseudonym_keys([])) == 0
