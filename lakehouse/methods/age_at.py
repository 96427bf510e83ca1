"""Age in whole years at the contract's reference date, in place of a date of birth.

`{ method = "age_at", date = "2026-01-01", top = 90 }`: with `top`, whoever is older counts as that
old, because few people are (HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C), takes 90).
"""

import pyarrow as pa

from lakehouse.core.contract import Column
from lakehouse.methods.ages import age_in_years
from lakehouse.methods.context import Applied, MethodContext
from lakehouse.methods.parameters import Parameters
from lakehouse.methods.partial_dates import parse_date


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return int64 (n), years; values: dates or texts. A birth after the date is `out_of_range`."""
    del context
    given = Parameters(column)
    reference = given.day("date")
    top = given.whole("top") if given.get("top") is not None else None
    ages: list[int | None] = []
    rejected: dict[int, str] = {}
    for row, value in enumerate(values.to_pylist()):
        birth = None if value is None else parse_date(value)
        age = None if birth is None else age_in_years(birth, reference)
        if value is not None and age is None:
            rejected[row] = "not_a_date" if birth is None else "out_of_range"
        ages.append(min(age, top) if age is not None and top is not None else age)
    return Applied(values=pa.array(ages, pa.int64()), rejected=rejected)
