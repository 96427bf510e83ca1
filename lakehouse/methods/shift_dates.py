"""Shift a person's dates by their own secret number of days, the same in every source.

The shift comes from the subject's `date_shift` key and is -365 to 365 days, never 0: intervals
between a person's events stay exact, day and season are hidden, and ages and years move by at most
one, so that rates over years keep their meaning (as MIMIC and the HHS guidance on de-identification
treat dates of one person).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import pyarrow as pa

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.adapters.person_secrets import PersonSecrets
from lakehouse.core.contract import Column, ColumnType
from lakehouse.methods.conforming import READERS
from lakehouse.methods.context import Applied, MethodContext

LONGEST_SHIFT = 365


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return dates or timestamps (n), shifted; null stays null.

    Refused: `not_a_date` what cannot be read, `no_person` a date without a subject.
    """
    kind = column.type if column.type is ColumnType.DATE else ColumnType.TIMESTAMP
    read = READERS[kind]
    subjects = context.subjects.to_pylist()
    days = days_of_shift(context.secrets, subjects)
    shifted: list[object] = []
    rejected: dict[int, str] = {}
    for row, (value, subject) in enumerate(zip(values.to_pylist(), subjects, strict=True)):
        moment = None if value is None else read(value)
        moved = _moved(moment, days.get(subject))
        if value is not None and moved is None:
            rejected[row] = "no_person" if subject is None else "not_a_date"
        shifted.append(moved)
    return Applied(values=pa.array(shifted, ARROW_TYPES[kind]), rejected=rejected)


def days_of_shift(secrets: PersonSecrets, people: Iterable[str | None]) -> Mapping[str | None, int]:
    """Return the days by which the dates of at least these people move, of those who are known."""
    keys = secrets.keys_of({name for name in people if name}, "date_shift")
    return {subject: shift_from_key(key) for subject, key in keys.items()}


def shift_from_key(key: bytes) -> int:
    """Return -365..-1 or 1..365; the first 8 bytes of the key choose among the 730 evenly."""
    step = int.from_bytes(key[:8], "big") % (2 * LONGEST_SHIFT)
    return step - LONGEST_SHIFT if step < LONGEST_SHIFT else step - LONGEST_SHIFT + 1


def _moved(moment: object, days: int | None) -> object:
    if days is None or not isinstance(moment, date | datetime):
        return None
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return None
