"""Whole years between two days."""

from datetime import date


def age_in_years(birth: date, reference: date) -> int | None:
    """Return the completed years of life on `reference`; None for a birth after it."""
    if birth > reference:
        return None
    return reference.year - birth.year - ((reference.month, reference.day) < (birth.month, birth.day))
