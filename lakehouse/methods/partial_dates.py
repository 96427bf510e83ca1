"""Dates as sources write them: ISO 8601 and FHIR's partial dates.

FHIR lets a date be `2019` or `2019-05`; such a date stands for the middle of its year or month.
"""

import re
from datetime import UTC, date, datetime

PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


def parse_date(value: object) -> date | None:
    """Return the calendar date that a date, timestamp or text states, or None."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    whole = PARTIAL_DATE.fullmatch(text)
    if whole is None:
        moment = parse_timestamp(text)
        return None if moment is None else moment.date()
    year, month, day = whole.groups()
    return _calendar_date(int(year), int(month or 7), int(day or (15 if month else 1)))


def parse_timestamp(value: object) -> datetime | None:
    """Return the moment in UTC that a timestamp or text states, or None; without a zone it is UTC."""
    if isinstance(value, datetime):
        moment = value
    else:
        text = str(value).strip()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            middle = parse_date(text) if PARTIAL_DATE.fullmatch(text) else None
            if middle is None:
                return None
            moment = datetime(middle.year, middle.month, middle.day)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _calendar_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
