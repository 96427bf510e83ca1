"""Seal values under their subject's key (AES-256-GCM, PROTOCOLS section 1).

Associated data = suite, table, column, pseudonym, batch, and the row number for free text: a blob
that is moved to another person, table, column or batch does not open.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.key_tree import frame_parts, open_bytes, seal_bytes
from lakehouse.errors import Damaged


def seal_values(
    values: pa.Array,
    subjects: pa.Array,
    keys: Mapping[str, bytes],
    *,
    table: str,
    column: str,
    batch: int,
    rows: pa.Array | None = None,
) -> pa.Array:
    """Seal texts, each under its subject's `seal` key; nulls stay null.

    values: text (n); subjects: pseudonyms (n); keys: pseudonym -> 32 bytes; rows: row numbers (n),
    given for free text. Equal values of one subject get one blob unless `rows` is given.
    Returns binary (n). A value without a subject or key is Damaged: nothing is dropped silently.
    """
    ciphers = {pseudonym: AESGCM(key) for pseudonym, key in keys.items()}
    sealed: dict[tuple[str, str, int | None], bytes] = {}
    place_of = _places(table, column)
    blobs: list[bytes | None] = []
    for value, subject, row in _entries(values, subjects, rows):
        if value is None:
            blobs.append(None)
            continue
        entry = (value, subject, row)
        if entry not in sealed:
            cipher = _cipher_of(ciphers, subject)
            sealed[entry] = seal_bytes(cipher, value.encode(), place_of(subject, batch, row))
        blobs.append(sealed[entry])
    return pa.array(blobs, pa.binary())


def open_values(
    blobs: pa.Array,
    subjects: pa.Array,
    keys: Mapping[str, bytes],
    *,
    table: str,
    column: str,
    batches: pa.Array,
    rows: pa.Array | None = None,
) -> pa.Array:
    """Open what `seal_values` made; batches: batch number of each blob (n). Returns text (n).

    Raises Damaged for a blob of another person, table, column, batch, row or suite.
    """
    ciphers = {pseudonym: AESGCM(key) for pseudonym, key in keys.items()}
    opened: dict[tuple[bytes, str, int, int | None], str] = {}
    place_of = _places(table, column)
    texts: list[str | None] = []
    for (blob, subject, row), batch in zip(_entries(blobs, subjects, rows), batches.to_pylist(), strict=True):
        if blob is None:
            texts.append(None)
            continue
        entry = (blob, subject, batch, row)
        if entry not in opened:
            cipher = _cipher_of(ciphers, subject)
            opened[entry] = open_bytes(cipher, blob, place_of(subject, batch, row)).decode()
        texts.append(opened[entry])
    return pa.array(texts, pa.string())


def seal_constant(
    value: str, subject: str, key: bytes, *, table: str, column: str, batch: int, row: int | None = None
) -> bytes:
    """Seal one value that is constant in a file, once for the file."""
    return seal_bytes(AESGCM(key), value.encode(), sealing_place(table, column, subject, batch, row))


def sealing_place(table: str, column: str, subject: str, batch: int, row: int | None = None) -> bytes:
    """Return the associated data of a blob (the suite byte is put before it by the cipher)."""
    return frame_parts(table, column, subject, str(batch), *([] if row is None else [str(row)]))


def _places(table: str, column: str) -> Callable[[str, int, int | None], bytes]:
    """Return `sealing_place` of one column; what is the same in every row is framed once."""
    column_frame = frame_parts(table, column)
    subject_frame = cache(lambda subject: column_frame + frame_parts(subject))
    number_frame = cache(lambda number: frame_parts(str(number)))

    def place(subject: str, batch: int, row: int | None) -> bytes:
        framed: bytes = subject_frame(subject) + number_frame(batch)
        return framed if row is None else framed + frame_parts(str(row))

    return place


def _entries(
    values: pa.Array, subjects: pa.Array, rows: pa.Array | None
) -> Iterable[tuple[Any, str, int | None]]:
    numbers = [None] * len(values) if rows is None else rows.to_pylist()
    return zip(values.to_pylist(), subjects.to_pylist(), numbers, strict=True)


def _cipher_of(ciphers: Mapping[str, AESGCM], subject: str) -> AESGCM:
    if subject not in ciphers:
        raise Damaged("a value to seal or open has no subject key", remedy="livinglab fsck")
    return ciphers[subject]
