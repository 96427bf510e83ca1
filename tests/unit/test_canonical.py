"""One byte form for one value, and one error for everything else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.core.canonical import canonical_json, digest_json, parse_canonical, parse_strict, timestamp
from lakehouse.errors import NotVerified, WrongUse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_keys_are_sorted_and_nothing_is_escaped_without_need() -> None:
    assert canonical_json({"b": 1, "a": ["é", None, True], "": "\n\u007f"}) == (
        '{"":"\\n\u007f","a":["é",null,true],"b":1}'.encode()
    )


def test_keys_are_sorted_by_utf16_units_as_rfc_8785_says() -> None:
    assert canonical_json({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("value", [0.5, float("nan"), 2**53, {1: 2}, b"x", {"a": object()}, "\ud800"])
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(WrongUse):
        canonical_json(value)


@given(value=VALUES)
def test_what_is_written_reads_back(value: object) -> None:
    assert parse_canonical(canonical_json(value), "a value") == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"a":1} ',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b"1.0",
        b"1e3",
        b"-0",
        b"NaN",
        b"[1]x",
        b"",
        b"\xff",
        b'"\\ud800"',
        b'"\\u0041"',
        b"9007199254740992",
        b"9" * 5000,
        b"[" * 100_000,
    ],
)
def test_any_other_form_has_one_error(text: bytes) -> None:
    with pytest.raises(NotVerified, match="a value"):
        parse_canonical(text, "a value")


def test_how_deep_a_value_may_lie_does_not_depend_on_the_reader_s_stack() -> None:
    """64 objects and arrays around it; without the bound a document verifies on one machine only."""
    deepest = b"[" * 64 + b"1" + b"]" * 64
    assert canonical_json(parse_canonical(deepest, "a value")) == deepest
    for deeper in (b"[" + deepest + b"]", b'{"a":' + deepest + b"}"):
        with pytest.raises(NotVerified):
            parse_canonical(deeper, "a value")


def test_strict_reading_takes_another_layout_but_no_duplicate() -> None:
    assert parse_strict(b'{ "b": 1, "a": 2 }', "a value") == {"a": 2, "b": 1}
    with pytest.raises(NotVerified):
        parse_strict(b'{"a":{"x":1,"x":2}}', "a value")


def test_the_digest_does_not_depend_on_order() -> None:
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})


def test_a_timestamp_is_utc_to_the_second() -> None:
    vienna = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 11, 22, 12, 0, 0, 999, tzinfo=vienna)) == "2026-11-22T10:00:00Z"
    assert timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
    with pytest.raises(WrongUse):
        timestamp(datetime(2026, 1, 1))
