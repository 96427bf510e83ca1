"""Canonical rows a second time, from the words of PROTOCOLS section 2, standard library only."""

import hashlib
import hmac
import math
import struct
from collections.abc import Sequence
from typing import Any

FIXED = {"i": "<q", "f": "<d", "b": "<B", "d": "<i", "t": "<q"}


def canonical_rows(columns: dict[str, tuple[str, Sequence[Any]]]) -> bytes:
    """columns: name -> (type letter, values as integers, floats, texts or bytes; None for null)."""
    out = b"livinglab/rows/v1"
    for name in sorted(columns):
        letter, values = columns[name]
        encoded = name.encode()
        out += struct.pack("<I", len(encoded)) + encoded + letter.encode() + struct.pack("<Q", len(values))
        if any(value is None for value in values):
            out += b"\x01" + bytes(int(value is not None) for value in values)
        else:
            out += b"\x00"
        out += _texts(values) if letter in "sx" else b"".join(_fixed(letter, value) for value in values)
    return out


def _fixed(letter: str, value: Any) -> bytes:
    if letter == "f":
        if value is not None and math.isnan(value):
            return struct.pack("<Q", 0x7FF8000000000000)
        return struct.pack("<d", (value or 0.0) + 0.0)
    return struct.pack(FIXED[letter], value or 0)


def _texts(values: Sequence[Any]) -> bytes:
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    distinct = list(dict.fromkeys(value for value in raw if value is not None))
    listed = b"".join(struct.pack("<I", len(value)) + value for value in distinct)
    codes = [0xFFFFFFFF if value is None else distinct.index(value) for value in raw]
    return struct.pack("<I", len(distinct)) + listed + b"".join(struct.pack("<I", code) for code in codes)


def content_leaf(key: bytes, table: str, intent: str, pseudonym: str, rows: bytes) -> str:
    framed = b"".join(
        struct.pack("<I", len(text.encode())) + text.encode() for text in (table, intent, pseudonym)
    )
    return hmac.new(key, framed + rows, hashlib.sha256).hexdigest()
