"""JSON as strictly as RFC 8259 has it, and its values as text."""

import json
import math

from lakehouse.errors import UnreadableInput

VALUE_LIMIT = 2_000_000
"""A value may take 200 bytes of memory for two of text."""
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def parse_json(text: str) -> Json:
    """Return the value of a JSON text.

    Raises:
        UnreadableInput: it is none; also `NaN`, `Infinity`, numbers beyond double precision, a name twice in
            one object, nesting deeper than Python reads, and more than VALUE_LIMIT values.
    """
    if sum(map(text.count, ",[{")) > VALUE_LIMIT:
        raise UnreadableInput("a text holds too many JSON values")
    try:
        value: Json = json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique_names
        )
    except (ValueError, RecursionError) as problem:
        raise UnreadableInput("a text is not JSON") from problem
    return value


def json_text(value: Json) -> str | None:
    """Return a value as the text of a cell: texts as they are, null as None, the rest as compact JSON.

    Raises:
        UnicodeError: a text holds half of a surrogate pair.
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text.encode()
    return text


def _unique_names(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """RFC 8259 section 4: what a name means that stands twice, nobody knows."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _refuse(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
