"""Hold handled values against their contract: type, range, allowed labels, nulls.

Reasons: not_a_number not_a_date out_of_range missing_value. A number that is not finite is null:
silver knows no NaN.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.core.contract import Column, ColumnType
from lakehouse.methods.context import Applied
from lakehouse.methods.partial_dates import parse_date, parse_timestamp


def conform_values(applied: Applied, column: Column) -> Applied:
    """Return the values in the contract's type; rows that do not fit are refused with a reason."""
    values, unreadable = cast_values(applied.values, column.type)
    rejected = {**dict.fromkeys(unreadable, _unreadable_reason(column.type)), **applied.rejected}
    for row in _outside(values, column):
        rejected.setdefault(row, "out_of_range")
    if not column.nullable:
        for row in _true_rows(pc.is_null(values)):
            rejected.setdefault(row, "missing_value")
    return Applied(values=values, rejected=rejected, findings=applied.findings)


def cast_values(values: pa.Array, kind: ColumnType) -> tuple[pa.Array, list[int]]:
    """Return the values as `kind`, and the rows whose value has no such reading (null there)."""
    target = ARROW_TYPES[kind]
    if values.type != target:
        read = READERS[kind]
        cast = pa.array([None if value is None else read(value) for value in values.to_pylist()], target)
        unreadable = _true_rows(pc.and_(pc.is_valid(values), pc.is_null(cast)))
        return cast, unreadable
    if kind is ColumnType.NUMBER:
        return pc.if_else(pc.is_finite(values), values, pa.scalar(None, target)), []
    return values, []


def _read_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _read_integer(value: Any) -> int | None:
    number = _read_number(value)
    return int(number) if number is not None and number.is_integer() else None


def _read_boolean(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def _read_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _read_date(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else parse_date(value)


def _read_timestamp(value: Any) -> datetime | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return parse_timestamp(value)


READERS: Mapping[ColumnType, Callable[[Any], object]] = {
    ColumnType.TEXT: _read_text,
    ColumnType.INTEGER: _read_integer,
    ColumnType.NUMBER: _read_number,
    ColumnType.BOOLEAN: _read_boolean,
    ColumnType.DATE: _read_date,
    ColumnType.TIMESTAMP: _read_timestamp,
}


def _unreadable_reason(kind: ColumnType) -> str:
    return "not_a_date" if kind in {ColumnType.DATE, ColumnType.TIMESTAMP} else "not_a_number"


def _outside(values: pa.Array, column: Column) -> list[int]:
    outside = pa.array([False] * len(values), pa.bool_())
    if column.minimum is not None:
        outside = pc.or_(outside, pc.less(values, column.minimum))
    if column.maximum is not None:
        outside = pc.or_(outside, pc.greater(values, column.maximum))
    if column.allowed:
        known = pc.is_in(pc.cast(values, pa.string()), pa.array(column.allowed, pa.string()))
        outside = pc.or_(outside, pc.and_(pc.is_valid(values), pc.invert(known)))
    return _true_rows(outside)


def _true_rows(mask: pa.Array) -> list[int]:
    return [int(row) for row in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()]
