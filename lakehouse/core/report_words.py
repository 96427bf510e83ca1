"""The sentences of a report: what a class of column means, what a method does."""

from collections.abc import Mapping
from typing import Any

from lakehouse.core.contract import Column, Sensitivity, Statistic

WHY: Mapping[Sensitivity, str] = {
    Sensitivity.DIRECT: "names the person",
    Sensitivity.QUASI: "with other columns it can single a person out",
    Sensitivity.SENSITIVE: "tells something about a person's health",
    Sensitivity.SENSOR: "measured on the body; a long series can be recognised",
    Sensitivity.FREE_TEXT: "may hold anything, names too",
    Sensitivity.PLAIN: "says nothing about a person by itself",
}

DONE: Mapping[str, str] = {
    "keep": "kept as it is",
    "seal": "sealed under the person's own key",
    "pseudonymise": "replaced by a random pseudonym; the original is sealed",
    "redact": "names, dates, addresses and numbers of people taken out of the text",
    "shift_dates": "all dates of a person moved by the same secret number of days",
    "keyed_id": "replaced by an id that only the person's key makes",
    "harmonise": "converted to one unit",
    "recode": "codes replaced by words",
    "top_code": "capped, so that rare high values look alike",
    "age_at": "the date of birth replaced by an age in years",
    "age_band": "put into bands of years",
    "fill_where": "filled in where another column implies it",
    "pick": "taken from the column that another column names",
}

TOLD_PARAMETERS = ("date", "width", "top")

LEARN: Mapping[Statistic, str] = {
    Statistic.PRIVATE: "answers with noise only",
    Statistic.EXACT: "exactly, in releases",
    Statistic.NONE: "not at all",
}

UNITS: Mapping[str | None, str] = {"a": "years", "Cel": "°C", "kg/m2": "kg/m²", "m/s": "m/s"}

REASONS: Mapping[str, str] = {
    "unreadable_file": "the file cannot be read",
    "archive_bomb": "the archive unpacks to far more than an honest one of its size",
    "unsafe_archive": "the archive holds links, archives, unsafe names or one name twice",
    "language_not_supported": "there is no language model for the text",
    "unbroken_text": "the text has 1,000 characters without a space",
    "search_timed_out": "the search for personal data in the text was given up for the time it took",
    "too_large": "the line or the document is too large",
    "too_many_columns": "the file has over 4,096 columns, or undeclared ones that outweigh it: split it",
    "column_gone": "the file lacks a column that the contract declares",
    "column_added": "the file has a column that the contract does not declare",
    "column_repeated": "the file has a declared column twice",
    "unit_changed": "the values of a column do not look like its unit",
    "not_exact": "the number has more digits than can be kept",
    "not_in_order": "the time does not come after the one before",
    "out_of_time": "the time is outside what the contract allows",
    "no_such_time": "the clock was put forward over this time, or back over it",
    "shared_value": "two people state what only one can have",
    "wrong_column_count": "the line has too many or too few columns",
    "empty_line": "the line is empty",
    "bad_encoding": "the text is not UTF-8",
    "not_a_number": "text stands where a number must",
    "not_finite": "NaN or infinity where a number must stand",
    "not_a_date": "no date that can be read",
    "missing_value": "a value that must be there is missing",
    "out_of_range": "the value is outside the declared range",
    "id_not_canonical": "the identifier is not written as the contract says",
    "no_person": "the row names no person",
    "duplicate_row": "the row was there before",
    "duplicate_file": "the file stood in the batch twice",
    "not_in_contract": "no contract reads this",
    "broken_reference": "it refers to something that is not there",
    "invalid_resource": "not a valid FHIR resource",
    "unlinked_person": "the person is unknown in the table it must link to",
    "same_bytes_two_people": "the same recording under two people",
    "personal_data_in_clear": "personal data stands where none may",
    "check_failed": "a check of the contract failed",
    "superseded": "a later row has the same key",
    "invalid_json": "the line is not JSON",
}


def handling_of(column: Column) -> str:
    """Return what was done to a column, with the parameters that say how coarse it became."""
    method = column.handling.method
    done = DONE.get(method, method.replace("_", " "))
    told = ", ".join(
        f"{name} {column.handling.parameters[name]}"
        for name in TOLD_PARAMETERS
        if name in column.handling.parameters
    )
    return f"{done} ({told})" if told else done


def meaning_of(column: Column) -> str:
    """Return a column's type, unit (UCUM: `a` is a year, `1` no unit) and description."""
    unit = f", {UNITS.get(column.unit, column.unit)}" if column.unit not in {None, "1"} else ""
    return f"{column.type}{unit}" + (f". {column.description}" if column.description else "")


def expectation_name(expect: str) -> str:
    """Return a Great Expectations name as words."""
    return expect.removeprefix("expect_").replace("_", " ")


def actor_words(actor: Any) -> str | None:
    """Return who acted and what vouched for them."""
    if not isinstance(actor, Mapping):
        return None
    roles = ", ".join(actor.get("roles") or ()) or "no role"
    return f"{actor.get('name')} ({roles}; known to {actor.get('authenticated')})"
