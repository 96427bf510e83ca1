"""HMAC-SHA-256 of rows of a database (docs/adr/row-macs.md), one at a time or many at once.

What is authenticated is the text `["<table>",{"<column>":<value>,…}]`: JSON in UTF-8 with sorted keys and
without spaces; bytes are `{"blob":"<hex>"}`.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

from lakehouse.core.many_macs import many_macs

MODULUS = 1 << 256
"""Sums of MACs, read as numbers, are kept modulo this."""
ROWS_AT_ONCE = 10_000


def row_mac(key: bytes, table: str, row: Mapping[str, object]) -> str:
    """Return the MAC of a row, in hex."""
    text = _ROW_TEXT.encode([table, row])
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def row_macs(key: bytes, table: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[bytes]:
    """Yield `row_mac` of many rows, 32 bytes each; columns: name -> values (n)."""
    return many_macs(key, (text.encode("utf-8", "surrogatepass") for text in _row_texts(table, columns)))


def _row_texts(table: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    names = sorted(columns)
    fields = ",".join(f"{_literal(name)}:%s" for name in names)
    row_text = f"[{_literal(table)},{{{fields}}}]"
    for start in range(0, len(columns[names[0]]), ROWS_AT_ONCE):
        parts = [_value_texts(columns[name][start : start + ROWS_AT_ONCE]) for name in names]
        yield from map(row_text.__mod__, zip(*parts, strict=True))


def _value_texts(values: Sequence[Any]) -> Iterable[str]:
    """Return the JSON of each value; values of one plain type need not be looked at one by one."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return map(encode_basestring, values)
    if kinds == {int}:
        return map(str, values)
    if kinds == {bytes}:
        return ['{"blob":"' + value.hex() + '"}' for value in values]
    return map(_ROW_TEXT.encode, values)


def _literal(name: str) -> str:
    return encode_basestring(name).replace("%", "%%")


def _blob_fields(value: bytes) -> dict[str, str]:
    """The vault's rows have bytes; in the registry they equal none of our values."""
    return {"blob": value.hex()}


_ROW_TEXT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_blob_fields)
