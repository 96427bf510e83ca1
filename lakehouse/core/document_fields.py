"""Reading the fields of documents that have one canonical form: RFC 8785 bytes and a newline.

Whatever writing would not have written is `NotVerified`: unknown or duplicate fields, another layout,
base64 that is not canonical, trailing bytes.
"""

from collections.abc import Collection, Sequence
from typing import Any

from lakehouse.core.canonical import LARGEST_NUMBER, canonical_json, parse_canonical, parse_strict
from lakehouse.core.checkpoint import decode_base64, encode_base64
from lakehouse.core.digests import is_digest
from lakehouse.core.proof import decode_path
from lakehouse.errors import NotVerified

LARGEST_DOCUMENT = 1 << 20
"""Bytes of any document of ours."""


def render_document(fields: dict[str, Any]) -> bytes:
    """Return the bytes of a document."""
    return canonical_json(fields) + b"\n"


def parse_document(
    data: bytes, schema: str, names: Collection[str], largest: int = LARGEST_DOCUMENT
) -> dict[str, Any]:
    """Return the fields of a document of `schema` with exactly the fields `names`, `schema` among them."""
    if len(data) > largest or not data.endswith(b"\n"):
        raise NotVerified(f"a document of {schema} is too long or cut off")
    fields = parse_canonical(data[:-1], f"a document of {schema}")
    if not isinstance(fields, dict) or fields.get("schema") != schema or set(fields) != set(names):
        raise NotVerified(f"a document has other fields than {schema}")
    return fields


def document_schema(data: bytes) -> str | None:
    """Return the schema that a document claims; null where it is no object of JSON with one."""
    if len(data) > LARGEST_DOCUMENT:
        return None
    try:
        fields = parse_strict(data, "a document")
    except NotVerified:
        return None
    schema = fields.get("schema") if isinstance(fields, dict) else None
    return schema if isinstance(schema, str) else None


def members(value: Any, names: Collection[str], what: str) -> dict[str, Any]:
    """Return an object with exactly the fields `names`."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise NotVerified(f"{what} has other fields than {', '.join(sorted(names))}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise NotVerified(f"{what} is not a list")
    return value


def text(value: Any, what: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise NotVerified(f"{what} is not text")
    return value


def count(value: Any, what: str) -> int:
    """Return a whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_NUMBER:
        raise NotVerified(f"{what} is not a whole number from 0")
    return value


def sized_bytes(value: Any, size: int, what: str) -> bytes:
    """Return the bytes of base64 text, exactly `size` of them."""
    data = decode_base64(text(value, what), what)
    if len(data) != size:
        raise NotVerified(f"{what} has {len(data)} bytes instead of {size}")
    return data


def hex_digest(value: Any, what: str) -> bytes:
    """Return the 32 bytes of 64 lower-case hex digits."""
    if not is_digest(value):
        raise NotVerified(f"{what} is not 64 lower-case hex digits")
    return bytes.fromhex(value)


def hash_path(value: Any, what: str) -> tuple[bytes, ...]:
    """Return the hashes of a list of base64 texts."""
    return decode_path([text(node, f"a hash of {what}") for node in items(value, what)])


def path_fields(path: Sequence[bytes]) -> list[str]:
    """Return a path of hashes as base64 texts."""
    return [encode_base64(node) for node in path]
