"""One byte form for every value that is hashed, signed or compared.

RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785) restricted to what needs no choice: objects, arrays,
text, whole numbers within 2**53, true, false, null. Amounts with a fraction are decimal text.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import NoReturn, TypeAlias

from lakehouse.errors import NotVerified, WrongUse

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

LARGEST_NUMBER = 2**53 - 1
DEEPEST_VALUE = 64
"""Objects and arrays around a value: the same for every reader, whatever its stack holds."""
_TIMESTAMP = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z", re.ASCII)


def canonical_json(value: object) -> bytes:
    """Return the one UTF-8 form of `value`; a float or another type is `WrongUse`."""
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise WrongUse("canonical JSON holds a lone surrogate") from error


def canonical_text(text: str) -> bytes:
    """Return `canonical_json` of one text, for those who put many of them between the same bytes."""
    try:
        return encode_basestring(text).encode("utf-8")
    except UnicodeEncodeError as error:
        raise WrongUse("canonical JSON holds a lone surrogate") from error


def digest_json(value: object) -> str:
    """Return the SHA-256 of the canonical form, lower-case hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def parse_canonical(data: bytes, what: str) -> Json:
    """Return the value of canonical bytes; any other bytes are `NotVerified`, naming `what`."""
    value = parse_strict(data, what)
    if canonical_json(value) != data:
        raise NotVerified(f"{what} is not in canonical form")
    return value


def parse_strict(data: bytes, what: str) -> Json:
    """Return the value of JSON without duplicate keys, fractions, NaN or trailing bytes, in any layout."""
    try:
        value: Json = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_pairs,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_small_number,
        )
        canonical_json(value)
    except (ValueError, RecursionError, WrongUse) as error:
        raise NotVerified(f"{what} is not JSON of the form RFC 8785 without fractions") from error
    return value


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 UTC text to the second; a moment without a zone is `WrongUse`."""
    if moment.tzinfo is None:
        raise WrongUse("a moment without a time zone cannot be recorded")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_timestamp(text: str) -> bool:
    """Say whether `text` is a real moment in the form that `timestamp` writes."""
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _ordered(value: object, depth: int = 0) -> object:
    """Return `value` with keys sorted by UTF-16 code units (RFC 8785, 3.2.3) and all types checked."""
    if depth > DEEPEST_VALUE:
        raise WrongUse(f"canonical JSON is at most {DEEPEST_VALUE} levels deep")
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_NUMBER:
            raise WrongUse(f"canonical JSON holds whole numbers up to {LARGEST_NUMBER} only")
        return value
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _ordered(value[key], depth + 1) for key in sorted(value, key=_utf16_units)}
    raise WrongUse(f"canonical JSON cannot hold a {type(value).__name__}")


def _utf16_units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _unique_pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _small_number(text: str) -> int:
    if len(text) > 17 or text == "-0":
        raise ValueError("number out of range")
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"number with a fraction: {len(text)} characters")
