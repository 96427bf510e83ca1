"""From text to the types of a contract, a column at a time, with a reason for each row that fails."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import Column, ColumnType, DatasetContract, SubjectRule

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_INTEGER = r"^[+-]?[0-9]{1,18}(\.0*)?$"
_NOT_FINITE = r"^[+-]?(nan|inf|infinity)$"
_CALENDAR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a row is set aside: a reason code and the column."""

    reason: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Typed columns of every row, and the rows that failed by index (their cells are null)."""

    columns: Mapping[str, pa.Array]
    failures: Mapping[int, Failure] = field(default_factory=dict)


def cast_columns(raw: Mapping[str, pa.Array], contract: DatasetContract) -> Cast:
    """Return the contract's columns of `raw` (text arrays of one length, by column name) in their types.

    Only columns in `raw` are cast. The first column that fails, in the contract's order, names a row's
    failure. Null values, ranges, allowed values and patterns of identifiers are the contract's.
    """
    columns: dict[str, pa.Array] = {}
    failures: dict[int, Failure] = {}
    for column in contract.columns:
        if column.name in raw:
            columns[column.name], failed = _cast_column(raw[column.name], column)
            failed |= _subject_failures(column, raw, contract.subject)
            for index in sorted(failed):
                failures.setdefault(index, Failure(reason=failed[index], column=column.name))
    return Cast(columns=columns, failures=failures)


def limit_failures(values: pa.Array, column: Column) -> dict[int, str]:
    """Return the indexes of values outside minimum and maximum."""
    failed: dict[int, str] = {}
    if column.minimum is not None:
        failed |= _failed(pc.less(values, column.minimum), "out_of_range")
    if column.maximum is not None:
        failed |= _failed(pc.greater(values, column.maximum), "out_of_range")
    return failed


def _cast_column(raw: pa.Array, column: Column) -> tuple[pa.Array, dict[int, str]]:
    text = pc.if_else(pc.is_in(raw, pa.array(column.null_values, pa.string())), None, raw)
    failed = {} if column.nullable else _failed(pc.is_null(text), "missing_value")
    values, unparsed = _CASTS[column.type](text)
    failed |= unparsed
    if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
        failed |= limit_failures(values, column)
    if column.allowed:
        known = pc.is_in(pc.cast(values, pa.string()), pa.array(column.allowed, pa.string()))
        failed |= _failed(pc.and_(pc.is_valid(values), pc.invert(known)), "out_of_range")
    if column.id_pattern:
        failed |= _unmatched(values, re.compile(column.id_pattern))
    return values, failed


def _subject_failures(
    column: Column, raw: Mapping[str, pa.Array], subject: SubjectRule | None
) -> dict[int, str]:
    """A row that must name a person names one, in the form of its id system."""
    if subject is None or column.name != subject.column:
        return {}
    text = raw[column.name]
    failed = _failed(
        pc.fill_null(pc.is_in(text, pa.array(column.null_values, pa.string())), True), "no_person"
    )
    failed |= _failed(pc.is_null(text), "no_person")
    if subject.system_column:
        systems = raw[subject.system_column]
        for system, pattern in subject.id_patterns.items():
            own = pc.if_else(pc.equal(systems, system), text, None)
            failed = _unmatched(own, re.compile(pattern)) | failed
    return failed


def _failed(mask: pa.Array, reason: str) -> dict[int, str]:
    if not pc.any(mask).as_py():
        return {}
    return dict.fromkeys(pc.indices_nonzero(mask).to_pylist(), reason)


def _unmatched(values: pa.Array, pattern: re.Pattern[str]) -> dict[int, str]:
    distinct = [value for value in pc.unique(values).to_pylist() if value is not None]
    wrong = [value for value in distinct if not pattern.fullmatch(value)]
    return _failed(pc.is_in(values, pa.array(wrong, pa.string())), "id_not_canonical") if wrong else {}


def _text(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    return raw, {}


def _number(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    text = pc.utf8_trim_whitespace(raw)
    values = pc.cast(pc.if_else(pc.match_substring_regex(text, _NUMBER), text, None), pa.float64())
    finite = pc.is_finite(values)
    failed = _unread(text, values) | _failed(pc.invert(finite), "not_finite")
    return pc.if_else(finite, values, None), failed


def _integer(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    text = pc.utf8_trim_whitespace(raw)
    whole = pc.if_else(pc.match_substring_regex(text, _INTEGER), text, None)
    digits = pc.utf8_ltrim(pc.replace_substring_regex(whole, r"\.0*$", ""), "+")
    values = pc.cast(digits, pa.int64())
    return values, _unread(text, values)


def _unread(text: pa.Array, values: pa.Array) -> dict[int, str]:
    unread = pc.and_(pc.is_valid(text), pc.is_null(values))
    named = pc.match_substring_regex(text, _NOT_FINITE, ignore_case=True)
    return _failed(unread, "not_a_number") | _failed(pc.and_(unread, named), "not_finite")


def _boolean(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    return _by_value(raw, lambda text: _BOOLEANS[text.lower()], pa.bool_(), "out_of_range")


def _date(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    return _by_value(raw, parse_day, pa.date32(), "not_a_date")


def _timestamp(raw: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    return _by_value(raw, parse_moment, pa.timestamp("us", tz="UTC"), "not_a_date")


def parse_day(text: str) -> date:
    """Return the date that a text `YYYY-MM-DD` writes.

    Raises:
        ValueError: it writes none.
    """
    if not _CALENDAR_DAY.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def parse_moment(text: str) -> datetime:
    """Return an ISO 8601 date or moment as a moment in UTC; one without a zone is taken as UTC.

    Raises:
        ValueError: the text is neither.
    """
    if not _CALENDAR_DAY.match(text):
        raise ValueError("not a date")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _by_value(
    raw: pa.Array, parse: Callable[[str], object], kind: pa.DataType, reason: str
) -> tuple[pa.Array, dict[int, str]]:
    """Parse each distinct text once."""
    encoded = pc.utf8_trim_whitespace(raw).dictionary_encode()
    parsed = [_tried(parse, text) for text in encoded.dictionary.to_pylist()]
    values = pa.array(parsed, kind).take(encoded.indices)
    return values, _failed(pc.and_(pc.is_valid(raw), pc.is_null(values)), reason)


def _tried(parse: Callable[[str], object], text: str) -> object:
    try:
        return parse(text)
    except (ValueError, KeyError, OverflowError):
        return None


_CASTS: Mapping[ColumnType, Callable[[Any], tuple[Any, dict[int, str]]]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _number,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMP: _timestamp,
}
