"""Consent records as objects, from the rows of `bronze.consents`."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

import pyarrow as pa

from lakehouse.core.consent import Consent, ConsentDecision
from lakehouse.errors import Damaged

COLUMNS = ("subject", "decision", "purposes", "from", "to")


def read_consents(rows: pa.Table) -> Iterator[Consent]:
    """Yield a record a row; rows without a person say nothing about anyone."""
    for row in rows.select(COLUMNS).to_pylist():
        if row["subject"] is not None:
            yield Consent(
                subject=row["subject"],
                decision=_decision(row["decision"]),
                purposes=_purposes(row["purposes"]),
                valid_from=_beginning(row["from"]),
                valid_to=_ending(row["to"]),
            )


def _decision(text: str) -> ConsentDecision:
    for decision in get_args(ConsentDecision):
        if text == decision:
            return decision  # type: ignore[no-any-return]
    raise Damaged("a consent record is neither a permit nor a denial", remedy="livinglab fsck")


def _purposes(value: str | list[str] | None) -> frozenset[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.startswith("[") else [value]
        except ValueError as problem:
            raise Damaged(
                "the purposes of a consent record cannot be parsed", remedy="livinglab fsck"
            ) from problem
    return frozenset(value or ())


def _beginning(value: date | str | None) -> datetime | None:
    return None if value is None else _moment(value)


def _ending(value: date | str | None) -> datetime | None:
    """A day named as the end belongs to the time; a moment does not."""
    if value is None:
        return None
    named_a_day = not isinstance(value, datetime) and len(str(value)) == len("2026-01-31")
    return _moment(value) + timedelta(days=1) if named_a_day else _moment(value)


def _moment(value: date | str) -> datetime:
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as problem:
        raise Damaged("a time of a consent record cannot be parsed", remedy="livinglab fsck") from problem
