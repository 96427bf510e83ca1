"""The MACs of many rows at once are those of the rows one by one, whatever stands in them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.adapters import row_macs as many
from lakehouse.adapters.row_macs import row_mac, row_macs

KEY = b"k" * 32
TEXT = st.text(st.characters(exclude_categories=()), max_size=5)
VALUES = st.one_of(TEXT, st.integers(), st.binary(max_size=5), st.none(), st.booleans())
COLUMNS = st.one_of(*(st.just(kind) for kind in (TEXT, st.integers(), st.binary(max_size=5), VALUES)))


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Columns of one length: some of one type, some of several."""
    rows = draw(st.integers(0, 5))
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    return {name: draw(st.lists(draw(COLUMNS), min_size=rows, max_size=rows)) for name in names}


@given(TEXT, tables())
def test_rows_at_once_bear_the_macs_of_rows_one_by_one(table: str, columns: dict[str, list[Any]]) -> None:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert [mac.hex() for mac in row_macs(KEY, table, columns)] == [row_mac(KEY, table, row) for row in rows]


def test_a_row_after_the_first_portion_counts_too(monkeypatch: Any) -> None:
    monkeypatch.setattr(many, "ROWS_AT_ONCE", 2)
    numbers = list(range(5))
    assert [mac.hex() for mac in row_macs(KEY, "t", {"n": numbers})] == [
        row_mac(KEY, "t", {"n": number}) for number in numbers
    ]


def test_the_text_of_a_row_is_what_the_homes_of_before_have() -> None:
    """A vector: format 1 and 2 of a home bear this MAC for this row."""
    row = {"0": "é\n", "1": b"\x07", "2": 7, "3": None}
    assert row_mac(KEY, "keys", row) == "11b216bca01c8925a38ecff62f4c3a20442fbce028e6cf85390b030cd1d347a6"


def test_the_broken_variant_that_writes_bytes_as_text_is_caught() -> None:
    """Positive control: a blob that is written like the text of its hex would share that text's MAC."""
    (blob,), (text,) = (row_macs(KEY, "t", {"v": [value]}) for value in (b"\x07", "07"))
    assert blob != text
