"""Columns and checks of a contract file.

```toml
[[column]]
name = "height"; type = "number"; unit = "m"; sensitivity = "quasi"
handling = "keep"                     # or { method = "harmonise", ... }
[[check]]
expect = "expect_column_values_to_be_between"
column = "height"; min_value = 0
```
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakehouse.core.check_names import CHECK_NAMES
from lakehouse.core.contract import Check, Column, ColumnType, Handling, Layer, Sensitivity, Statistic
from lakehouse.core.toml_section import Section

BRONZE_HANDLINGS = ("keep", "pseudonymise", "seal")
COLUMN_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMERIC = (ColumnType.INTEGER, ColumnType.NUMBER)
_TIMES = (ColumnType.DATE, ColumnType.TIMESTAMP)
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


def parse_columns(top: Section, layer: Layer) -> tuple[Column, ...]:
    """Return the `[[column]]` tables of a file; a name occurs once."""
    columns = tuple(_parse_column(section, layer) for section in top.sections("column"))
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise top.error(f"column[{twice[0]}]", "is declared twice")
    return columns


def parse_checks(top: Section, columns: tuple[Column, ...]) -> tuple[Check, ...]:
    """Return the `[[check]]` tables; the columns they name must be declared."""
    known = tuple(column.name for column in columns)
    return tuple(_parse_check(section, known) for section in top.sections("check"))


def _parse_column(section: Section, layer: Layer) -> Column:
    name = section.text("name")
    if not COLUMN_NAME.fullmatch(name):
        raise section.error("name", "must be lower case letters, digits and _, beginning with a letter")
    kind = ColumnType(section.choice("type", tuple(ColumnType)))
    column = Column(
        name=name,
        type=kind,
        sensitivity=Sensitivity(section.choice("sensitivity", tuple(Sensitivity))),
        handling=_parse_handling(section, layer),
        source=section.text("source" if layer is Layer.BRONZE else "from", name),
        unit=section.optional_text("unit"),
        description=section.text("description", ""),
        nullable=section.flag("nullable", default=True),
        null_values=section.texts("null_values") or ("",),
        minimum=section.number("minimum"),
        maximum=section.number("maximum"),
        earliest=_parse_time(section, "earliest", kind),
        latest=_parse_time(section, "latest", kind),
        zone=_parse_zone(section, kind),
        not_ahead=_parse_not_ahead(section, kind),
        usual_median=_parse_median(section, kind),
        allowed=section.labels("allowed"),
        id_pattern=section.pattern("id_pattern"),
        statistic=Statistic(section.choice("statistic", tuple(Statistic), Statistic.NONE)),
        bounds=_parse_bounds(section, kind),
        groups=section.labels("groups"),
    )
    _check_limits(section, column)
    section.finish()
    return column


def _parse_handling(section: Section, layer: Layer) -> Handling:
    value = section.take("handling")
    if isinstance(value, Mapping):
        inner = Section(value, file=section.file, place=f"{section.place}.handling")
        handling = Handling(method=inner.text("method"), parameters=inner.rest())
    elif isinstance(value, str) or value is None:
        handling = Handling(method=value or "keep")
    else:
        raise section.error("handling", "must be the name of a method or a table with one")
    if layer is Layer.BRONZE and handling.method not in BRONZE_HANDLINGS:
        raise section.error("handling", f"{handling.method!r} is not a handling of bronze", BRONZE_HANDLINGS)
    return handling


def _parse_bounds(section: Section, kind: ColumnType) -> tuple[Decimal, Decimal] | None:
    if not section.has("bounds"):
        return None
    bounds = section.decimals("bounds")
    if len(bounds) != 2 or bounds[0] >= bounds[1]:
        raise section.error("bounds", "must be two numbers, the lower one first")
    if kind not in _NUMERIC:
        raise section.error("bounds", f"do not belong to a column of type {kind}", _NUMERIC)
    return bounds[0], bounds[1]


def _parse_time(section: Section, key: str, kind: ColumnType) -> str | None:
    text = section.optional_text(key)
    if text is None:
        return None
    if kind not in _TIMES:
        raise section.error(key, f"does not belong to a column of type {kind}", _TIMES)
    try:
        date.fromisoformat(text)
    except ValueError as problem:
        raise section.error(key, "must be a day, YYYY-MM-DD") from problem
    return text


def _parse_zone(section: Section, kind: ColumnType) -> str:
    name = section.text("zone", "UTC")
    if section.has("zone") and kind is not ColumnType.TIMESTAMP:
        raise section.error("zone", f"does not belong to a column of type {kind}", (ColumnType.TIMESTAMP,))
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as problem:
        raise section.error("zone", "must be a time zone as the IANA names it: Europe/Paris") from problem
    return name


def _parse_not_ahead(section: Section, kind: ColumnType) -> bool:
    if section.has("not_ahead") and kind not in _TIMES:
        raise section.error("not_ahead", f"does not belong to a column of type {kind}", _TIMES)
    return section.flag("not_ahead", default=False)


def _parse_median(section: Section, kind: ColumnType) -> tuple[float, float] | None:
    limits = section.decimals("usual_median")
    if not limits:
        return None
    if len(limits) != 2 or limits[0] >= limits[1]:
        raise section.error("usual_median", "must be two numbers, the lower one first")
    if kind not in _NUMERIC:
        raise section.error("usual_median", f"does not belong to a column of type {kind}", _NUMERIC)
    return float(limits[0]), float(limits[1])


def _check_limits(section: Section, column: Column) -> None:
    limits = [limit for limit in (column.minimum, column.maximum) if limit is not None]
    if limits and column.type not in _NUMERIC:
        raise section.error("minimum", f"does not belong to a column of type {column.type}", _NUMERIC)
    if len(limits) == 2 and limits[0] > limits[1]:
        raise section.error("minimum", "is above maximum")


def _parse_check(section: Section, columns: tuple[str, ...]) -> Check:
    name = section.choice("expect", CHECK_NAMES)
    arguments = section.rest()
    for key in _COLUMN_ARGUMENTS:
        named = arguments.get(key)
        for column in named if isinstance(named, list) else filter(None, [named]):
            if column not in columns:
                raise section.error(key, f"{column!r} is not a declared column", columns)
    return Check(expect=name, arguments=arguments)
