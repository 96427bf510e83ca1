"""One person's rows of one table as a private document: `livinglab/rows/v1`.

With it and their receipt key a person recomputes their leaf of a version's content tree. It names the
table, the intent of the last write that changed their rows, their pseudonym, the receipt key, and the rows
column by column in the order in which the leaf was made. Values by type, null where there is none:

- i integer, t timestamp (microseconds since 1970, UTC): decimal text · d date: days since 1970
- f number: decimal text that reads back as the same float64, `NaN`, `Infinity` or `-Infinity`
- b boolean · s text · x bytes: base64

The leaf is made of the canonical bytes of `adapters.arrow_rows` under the key that HKDF-SHA256 (empty salt,
info `livinglab/v1/digest`) gives from the receipt key.
"""

import base64
import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lakehouse.adapters.arrow_rows import content_leaf
from lakehouse.adapters.key_tree import KEY_BYTES, derive_key
from lakehouse.core.bundle import ProofBundle
from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.core.checkpoint import encode_base64
from lakehouse.core.document_fields import items, members, sized_bytes, text
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/rows/v1"
LARGEST_ROWS = 1 << 28
"""Bytes of such a document: a person's walks are long."""
_FIELDS = ("schema", "table", "intent", "pseudonym", "key", "columns")
_ARROW: dict[str, pa.DataType] = {
    "i": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "d": pa.int32(),
    "t": pa.int64(),
    "s": pa.string(),
    "x": pa.binary(),
}
_FINAL: dict[str, pa.DataType] = {"d": pa.date32(), "t": pa.timestamp("us", "UTC")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRows:
    """The rows, in the leaf's order, with what else the leaf is made of. key: the receipt key, 32 bytes."""

    table: str
    intent: str
    pseudonym: str
    key: bytes
    rows: pa.Table

    def leaf(self) -> bytes:
        """Return the content leaf that these rows and this key give."""
        digest_key = derive_key(self.key, "digest")
        return bytes.fromhex(content_leaf(digest_key, self.table, self.intent, self.pseudonym, self.rows))

    def render(self) -> bytes:
        """Return the bytes of the document."""
        columns = [_column_json(name, self.rows.column(name)) for name in sorted(self.rows.column_names)]
        fields = {
            "schema": SCHEMA,
            "table": self.table,
            "intent": self.intent,
            "pseudonym": self.pseudonym,
            "key": encode_base64(self.key),
            "columns": columns,
        }
        return canonical_json(fields) + b"\n"


def parse_person_rows(data: bytes) -> PersonRows:
    """Return the rows of a document; bytes of another form are `NotVerified`."""
    if len(data) > LARGEST_ROWS or not data.endswith(b"\n"):
        raise NotVerified("a document of a person's rows is too long or cut off")
    fields = members(parse_canonical(data[:-1], "a document of a person's rows"), _FIELDS, "a person's rows")
    if fields["schema"] != SCHEMA:
        raise NotVerified(f"a document of a person's rows is not of the schema {SCHEMA}")
    columns = [
        members(own, ("name", "type", "values"), "a column") for own in items(fields["columns"], "columns")
    ]
    try:
        arrays = {
            text(own["name"], "a name"): _values(own["type"], items(own["values"], "values"))
            for own in columns
        }
        rows = pa.table(arrays)
    except (ValueError, TypeError, KeyError, OverflowError, pa.ArrowException) as error:
        raise NotVerified("a column of a person's rows does not hold what its type says") from error
    if len(arrays) != len(columns):
        raise NotVerified("a person's rows name a column twice")
    return PersonRows(
        table=text(fields["table"], "a table"),
        intent=text(fields["intent"], "an intent"),
        pseudonym=text(fields["pseudonym"], "a pseudonym"),
        key=sized_bytes(fields["key"], KEY_BYTES, "a receipt key"),
        rows=rows,
    )


def check_person_rows(bundle: ProofBundle, document: bytes) -> str:
    """(9) A person's rows and key give the leaf of the bundle; says so, or raises `NotVerified`."""
    if bundle.content is None:
        raise NotVerified("the bundle proves no person's rows", remedy="livinglab prove TABLE --person ID")
    own = parse_person_rows(document)
    if own.table != bundle.record.table:
        raise NotVerified("the rows are those of another table")
    if not hmac.compare_digest(own.leaf(), bundle.content.leaf):
        raise NotVerified("the rows and the key do not give the leaf: changed rows, another person or key")
    return f"{len(own.rows)} rows of one person give the leaf: they stand unchanged in the version"


def _column_json(name: str, column: pa.ChunkedArray) -> dict[str, object]:
    tag = _tag_of(column.type)
    plain = column.cast(_FINAL[tag]).cast(_ARROW[tag]) if tag in _FINAL else column.cast(_ARROW[tag])
    write = _WRITE.get(tag)
    values = [value if value is None or write is None else write(value) for value in plain.to_pylist()]
    return {"name": name, "type": tag, "values": values}


def _tag_of(kind: pa.DataType) -> str:
    checks: tuple[tuple[str, Callable[[pa.DataType], bool]], ...] = (
        ("i", pa.types.is_integer),
        ("f", pa.types.is_floating),
        ("b", pa.types.is_boolean),
        ("d", pa.types.is_date),
        ("t", pa.types.is_timestamp),
        ("x", lambda own: pa.types.is_binary(own) or pa.types.is_large_binary(own)),
    )
    return next((tag for tag, holds in checks if holds(kind)), "s")


def _values(tag: str, values: list[Any]) -> pa.Array:
    read = _READ.get(tag)
    made = [value if value is None or read is None else read(value) for value in values]
    array = pa.array(made, _ARROW[tag], from_pandas=False)
    return array.cast(_FINAL[tag]) if tag in _FINAL else array


def _float_text(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_WRITE: dict[str, Callable[[Any], object]] = {
    "i": str,
    "t": str,
    "f": _float_text,
    "x": lambda value: base64.b64encode(value).decode(),
}
_READ: dict[str, Callable[[Any], object]] = {
    "i": int,
    "t": int,
    "f": float,
    "x": lambda value: base64.b64decode(value, validate=True),
}
