"""A person's private document: the vector, and a second implementation that must give the same leaf."""

import json
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from reference_person_rows import person_leaf

from lakehouse.adapters.person_rows import PersonRows, parse_person_rows

VECTOR = json.loads(Path(__file__).with_name("person_rows.json").read_text())


def test_the_vector_is_read_written_and_recomputed() -> None:
    document = VECTOR["document"].encode()
    own = parse_person_rows(document)
    assert own.leaf().hex() == VECTOR["leaf"] == person_leaf(document)
    assert own.render() == document


VALUES = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(),
        st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        st.none() | st.binary(max_size=5),
    ),
    max_size=8,
)


@given(VALUES, st.binary(min_size=32, max_size=32))
def test_two_implementations_agree(rows: list[tuple[object, ...]], key: bytes) -> None:
    kinds = {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "x": pa.binary()}
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    table = pa.table({name: pa.array(c, k) for (name, k), c in zip(kinds.items(), columns, strict=True)})
    own = PersonRows(table="silver.x", intent="a", pseudonym="0" * 32, key=key, rows=table)
    assert own.leaf().hex() == person_leaf(own.render()) == parse_person_rows(own.render()).leaf().hex()
