"""From text to the types of a contract, a column at a time, with a reason for each row that fails."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import Column, ColumnType, DatasetContract, SubjectRule

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_INTEGER = r"^[+-]?[0-9]{1,18}(\.0*)?$"
_NOT_FINITE = r"^[+-]?(nan|inf|infinity)$"
_WHOLE = r"^[+-]?[0-9]{16,}(\.0*)?$"
_NOT_ZERO = r"^[+-]?[0.]*[1-9]"
ID_LIMIT = 256
"""An identifier is a short text; the longest of the known systems has 64 characters."""
_CALENDAR_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_UTC = ZoneInfo("UTC")
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


def is_placeholder(text: str, subject: SubjectRule) -> bool:
    """Whether a text stands for an identifier that nobody knew: `NA`, `null`, nothing."""
    own = text.strip().casefold()
    return not own or own in subject.placeholders


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
    values, unparsed = (
        _moments(text, column) if column.type is ColumnType.TIMESTAMP else _CASTS[column.type](text)
    )
    failed |= unparsed
    if column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
        failed |= limit_failures(values, column)
    failed |= _time_failures(values, column)
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
    nobody = [value for value in pc.unique(text).to_pylist() if value and is_placeholder(value, subject)]
    failed |= _failed(pc.is_in(text, pa.array(nobody, pa.string())), "no_person") if nobody else {}
    failed |= _failed(pc.is_null(text), "no_person")
    failed |= _failed(pc.greater(pc.utf8_length(text), ID_LIMIT), "id_not_canonical")
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
    failed = _unread(text, values) | _failed(pc.invert(finite), "not_finite") | _inexact(text, values)
    return pc.if_else(finite, without_negative_zero(values), None), failed


def without_negative_zero(values: pa.Array) -> pa.Array:
    """Return the numbers with -0.0 as 0.0: the two are one number and must have one digest."""
    return pc.add(values, 0.0)


def _inexact(text: pa.Array, values: pa.Array) -> dict[int, str]:
    """A whole number that double precision would change, and one so small that it would become zero."""
    whole = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(text, _WHOLE), False)).to_pylist()
    changed = [n for n in whole if math.isfinite(values[n].as_py()) and not _is_kept(text[n].as_py())]
    vanished = pc.and_(pc.equal(values, 0.0), pc.match_substring_regex(text, _NOT_ZERO))
    return dict.fromkeys(changed, "not_exact") | _failed(vanished, "not_exact")


def _is_kept(text: str) -> bool:
    return Decimal(text) == Decimal(float(text))


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


def _moments(raw: pa.Array, column: Column) -> tuple[pa.Array, dict[int, str]]:
    kind = pa.timestamp("us", tz="UTC")
    zone = ZoneInfo(column.zone)
    values, failed = _by_value(raw, lambda text: parse_moment(text, zone), kind, "not_a_date")
    return values, {index: _why_no_moment(raw[index].as_py(), zone) for index in failed}


def _why_no_moment(text: str, zone: ZoneInfo) -> str:
    """Tell a clock that was put forward or back from a text that is no time."""
    try:
        parse_moment(text.strip(), zone)
    except NoSuchTime:
        return "no_such_time"
    except (ValueError, OverflowError):
        return "not_a_date"
    return "not_a_date"


def _time_failures(values: pa.Array, column: Column) -> dict[int, str]:
    """Return the indexes of times before `earliest` or after `latest`, the last day included."""
    failed: dict[int, str] = {}
    if column.earliest is not None:
        failed |= _failed(pc.less(values, _day_as(column.earliest, 0, values.type)), "out_of_time")
    if column.latest is not None:
        failed |= _failed(pc.greater_equal(values, _day_as(column.latest, 1, values.type)), "out_of_time")
    return failed


def _day_as(day: str, later: int, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(date.fromisoformat(day) + timedelta(days=later), pa.date32()).cast(kind)


def parse_day(text: str) -> date:
    """Return the date that a text `YYYY-MM-DD` writes.

    Raises:
        ValueError: it writes none.
    """
    if not _CALENDAR_DAY.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


class NoSuchTime(ValueError):
    """A local time that the zone's clocks skipped, or showed twice."""


def parse_moment(text: str, zone: ZoneInfo = _UTC) -> datetime:
    """Return an ISO 8601 date or moment as a moment in UTC; one that names no zone is taken in `zone`.

    Raises:
        ValueError: the text is neither; NoSuchTime where the zone's clocks cannot tell which moment it is.
    """
    if not _CALENDAR_DAY.match(text):
        raise ValueError("not a date")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise NoSuchTime("the clocks were changed over this time")
    return moment.astimezone(UTC)


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
}
