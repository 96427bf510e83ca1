"""Dates inside prose: read, shifted, and written back in the form they had."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MONTH_NUMBERS: Mapping[str, int] = {
    form.lower(): number
    for number, month in enumerate(MONTHS, start=1)
    for form in (month, month[:3], "Sept" if month == "September" else month)
}
FRENCH_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
FRENCH_NUMBERS: Mapping[str, int] = {
    form: number
    for number, month in enumerate(FRENCH_MONTHS, start=1)
    for form in (month, month.replace("é", "e").replace("û", "u"))
}
SHORT_FORMS = {*(month[:3].lower() for month in MONTHS), "sept"} - {"may"}
ORDINAL = r"(?:st|nd|rd|th|er)?"
ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})([T ].*)?", re.DOTALL)
NUMERIC = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})")
MONTH_FIRST = re.compile(rf"([A-Za-z]{{3,9}})(\.?) (\d{{1,2}}){ORDINAL}(,?) (\d{{4}})")
DAY_FIRST = re.compile(rf"(\d{{1,2}}){ORDINAL}( of)? ([^\W\d_]{{3,9}})(\.?)(,?) (\d{{4}})")


def shift_text_date(text: str, days: int, *, day_first: bool) -> str | None:
    """Return the date in `text` moved by `days`, in the same form; None for what is no whole date.

    day_first: how `03/04/2021` is meant. A number above 12 in the month's place settles it otherwise;
    dates with points are always day first. Two-digit years are of 1970 to 2069.
    """
    for shift in (_shift_iso, _shift_numeric, _shift_month_first, _shift_day_first):
        moved = shift(text.strip(), lambda moment: moment + timedelta(days=days), day_first)
        if moved is not None:
            return moved
    return None


def _shift_iso(text: str, move: Callable[[date], date], _day_first: bool) -> str | None:
    found = ISO.fullmatch(text)
    moved = found and _moved(int(found[1]), int(found[2]), int(found[3]), move)
    return f"{moved.isoformat()}{found[4] or ''}" if found and moved else None


def _shift_numeric(text: str, move: Callable[[date], date], day_first: bool) -> str | None:
    found = NUMERIC.fullmatch(text)
    if found is None:
        return None
    mark, year = found[2], _full_year(found[4])
    first, second = int(found[1]), int(found[3])
    day_leads = (day_first or mark == "." or first > 12) and second <= 12
    day, month = (first, second) if day_leads else (second, first)
    moved = _moved(year, month, day, move)
    if moved is None:
        return None
    digits = 2 if len(found[1]) == 2 and len(found[3]) == 2 else 1
    parts = (moved.day, moved.month) if day_leads else (moved.month, moved.day)
    shown = str(moved.year) if len(found[4]) == 4 else f"{moved.year % 100:02}"
    return mark.join([*(f"{part:0{digits}}" for part in parts), shown])


def _shift_month_first(text: str, move: Callable[[date], date], _day_first: bool) -> str | None:
    found = MONTH_FIRST.fullmatch(text)
    month = found and MONTH_NUMBERS.get(found[1].lower())
    moved = _moved(int(found[5]), month, int(found[3]), move) if found and month else None
    if found is None or moved is None:
        return None
    return f"{_month_like(found[1], moved)}{found[2]} {moved.day}{found[4]} {moved.year}"


def _shift_day_first(text: str, move: Callable[[date], date], _day_first: bool) -> str | None:
    found = DAY_FIRST.fullmatch(text)
    month = found and _month_number(found[3].lower())
    moved = _moved(int(found[6]), month, int(found[1]), move) if found and month else None
    if found is None or moved is None:
        return None
    return f"{moved.day}{found[2] or ''} {_month_like(found[3], moved)}{found[4]}{found[5]} {moved.year}"


def _month_number(word: str) -> int | None:
    return MONTH_NUMBERS.get(word) or FRENCH_NUMBERS.get(word)


def _moved(year: int, month: int, day: int, move: Callable[[date], date]) -> date | None:
    try:
        return move(date(year, month, day))
    except (ValueError, OverflowError):
        return None


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= 70 else 2000)


def _month_like(form: str, moved: date) -> str:
    """Name the month in the text's language and as long as it did: `Mar` stays three letters."""
    if form.lower() in FRENCH_NUMBERS:
        french = FRENCH_MONTHS[moved.month - 1]
        return french.upper() if form.isupper() else french
    name = MONTHS[moved.month - 1]
    return name[:3] if form.lower() in SHORT_FORMS else name
