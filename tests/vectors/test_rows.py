"""Canonical rows: the vectors of rows.json, and a second implementation that must agree."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import reference_rows
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.adapters.arrow_rows import canonical_rows, content_leaf, content_leaves, ordered_rows

VECTORS = json.loads(Path(__file__).with_name("rows.json").read_text())
TYPES = {
    "i": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "d": pa.date32(),
    "t": pa.timestamp("us", "UTC"),
    "s": pa.string(),
    "x": pa.binary(),
}


def arrow_table(columns: dict[str, tuple[str, list[Any]]]) -> pa.Table:
    arrays = {}
    for name, (letter, values) in columns.items():
        plain = (
            pa.array([None if v is None else bool(v) for v in values], pa.bool_()) if letter == "b" else None
        )
        raw = {"d": pa.int32(), "t": pa.int64()}.get(letter, TYPES[letter])
        arrays[name] = plain if plain is not None else pa.array(values, raw).cast(TYPES[letter])
    return pa.table(arrays)


def read_values(letter: str, values: list[Any]) -> list[Any]:
    """Vectors write bytes as hex and the numbers JSON lacks by name."""
    if letter == "x":
        return [None if value is None else bytes.fromhex(value) for value in values]
    return [float(value) if letter == "f" and value is not None else value for value in values]


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    columns = {n: (letter, read_values(letter, values)) for n, (letter, values) in vector["columns"].items()}
    stated = b"".join(canonical_rows(arrow_table(columns)))
    assert hashlib.sha256(stated).hexdigest() == vector["sha256"]
    assert stated == reference_rows.canonical_rows(columns)
    leaf = content_leaf(bytes.fromhex(VECTORS["key"]), "silver.x", "intent", "p", arrow_table(columns))
    assert leaf == vector["leaf"]


TEXTS = st.lists(
    st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=5)), min_size=1, max_size=20
)


@given(TEXTS, st.data())
def test_both_implementations_agree(texts: list[str | None], data: st.DataObject) -> None:
    size = len(texts)
    numbers = data.draw(st.lists(st.one_of(st.none(), st.floats()), min_size=size, max_size=size))
    columns = {"text": ("s", texts), "number": ("f", numbers)}
    assert b"".join(canonical_rows(arrow_table(columns))) == reference_rows.canonical_rows(columns)


def test_minus_zero_is_zero_and_every_nan_is_one() -> None:
    plain = b"".join(canonical_rows(pa.table({"x": [0.0, math.nan]})))
    assert b"".join(canonical_rows(pa.table({"x": [-0.0, -math.nan]}))) == plain


def test_chunks_do_not_matter() -> None:
    whole = pa.table({"s": ["a", "b", "a"], "n": [1, 2, 3]})
    parts = pa.concat_tables([whole.slice(2, 1).slice(0, 0), whole.slice(0, 1), whole.slice(1, 2)])
    assert b"".join(canonical_rows(whole)) == b"".join(canonical_rows(parts))


def test_a_leaf_depends_on_its_own_subject_only() -> None:
    keys, intents = {"a": b"1" * 32, "b": b"2" * 32}, {"a": "i", "b": "i"}
    rows = pa.table({"subject": ["a", "b", "a"], "n": [1, 2, 3]})
    other = pa.table({"subject": ["b", "a", "a"], "n": [9, 3, 1]})
    own = content_leaves(rows, ["n"], table="t", intents=intents, digest_keys=keys)
    changed = content_leaves(other, ["n"], table="t", intents=intents, digest_keys=keys)
    assert own["a"] == changed["a"] and own["b"] != changed["b"]


def test_rows_in_order_are_not_copied() -> None:
    rows = pa.table({"a": [1, 1, 2], "b": [1, 2, 0]})
    assert ordered_rows(rows, ["a", "b"]) is rows
    assert ordered_rows(rows, ["b"]).column("b").to_pylist() == [0, 1, 2]


ROW_VALUES = st.fixed_dictionaries(
    {
        "b": st.none() | st.booleans(),
        "d": st.none() | st.integers(-100_000, 100_000),
        "f": st.none() | st.floats(),
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "s": st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
        "t": st.none() | st.integers(-(2**40), 2**40),
        "x": st.none() | st.binary(max_size=3),
    }
)


@given(st.lists(st.tuples(st.sampled_from("abc"), ROW_VALUES), min_size=1, max_size=6))
def test_people_with_one_row_and_with_several_have_the_leaves_of_their_rows(drawn: list[Any]) -> None:
    """Rows that stand alone are encoded all at once; each leaf is that of its person's rows by themselves."""
    columns = {letter: (letter, [values[letter] for _, values in drawn]) for letter in TYPES}
    names = [name for name, _ in drawn]
    rows = arrow_table(columns).append_column("subject", pa.array(names))
    key = {name: name.encode() * 32 for name in names}
    leaves = content_leaves(rows, (), table="t", intents=dict.fromkeys(names, "i"), digest_keys=key)
    for name in names:
        own = rows.filter(pa.array([other == name for other in names]))
        assert leaves[name] == content_leaf(key[name], "t", "i", name, own)
