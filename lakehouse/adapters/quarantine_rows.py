"""What was set aside, as rows of a quarantine table: place and reason in clear, the raw row sealed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.key_tree import frame_parts, open_bytes, seal_bytes
from lakehouse.core.contract import SEALED
from lakehouse.errors import Damaged

RAW = f"raw{SEALED}"
QUARANTINE_SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("batch", pa.int64()),
        ("file", pa.int64()),
        ("row", pa.int64()),
        ("rows", pa.int64()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("column", pa.string()),
        (RAW, pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Input rows that do not go on. `rows` is how many this entry stands for; `raw` is what is sealed."""

    file: int
    row: int | None
    reason: str
    column: str | None
    raw: bytes
    subject: str | None = None
    batch: int | None = None
    rows: int = 1


def count_reasons(entries: Iterable[SetAside]) -> Counter[str]:
    """Return how many input rows were set aside, by reason code."""
    reasons = Counter[str]()
    for entry in entries:
        reasons[entry.reason] += entry.rows
    return reasons


def quarantine_rows(
    table: str,
    entries: Sequence[SetAside],
    seal_keys: Mapping[str, bytes],
    batch_key: bytes,
    *,
    batch: int,
    stage: str,
) -> pa.Table:
    """Return the quarantine rows, each raw row sealed under its subject's key, else the batch's."""
    columns: dict[str, list[object]] = {name: [] for name in QUARANTINE_SCHEMA.names}
    nobodys = AESGCM(batch_key)
    for entry in entries:
        number = batch if entry.batch is None else entry.batch
        subject = entry.subject if entry.subject in seal_keys else None
        cipher = AESGCM(seal_keys[subject]) if subject else nobodys
        place = quarantine_place(table, subject, number, entry.file, entry.row)
        values = (
            subject, number, entry.file, entry.row, entry.rows, stage, entry.reason, entry.column,
            seal_bytes(cipher, entry.raw, place) if entry.raw else None,
        )  # fmt: skip
        for name, value in zip(QUARANTINE_SCHEMA.names, values, strict=True):
            columns[name].append(value)
    return pa.table(columns, schema=QUARANTINE_SCHEMA)


def quarantine_place(table: str, subject: str | None, batch: int, file: int, row: int | None) -> bytes:
    """Return the associated data of a sealed quarantine row."""
    return frame_parts(table, "raw", subject or "", str(batch), str(file), "" if row is None else str(row))


def open_quarantined(table: str, row: Mapping[str, object], key: bytes) -> str:
    """Open one quarantine row's raw text; Damaged where it belongs to another place or key."""
    return open_raw(table, row, key).decode("utf-8", "replace")


def open_raw(table: str, row: Mapping[str, object], key: bytes) -> bytes:
    """Open one quarantine row's raw bytes; Damaged where it belongs to another place or key."""
    blob, batch, file, number = row[RAW], row["batch"], row["file"], row["row"]
    if not (isinstance(blob, bytes) and isinstance(batch, int) and isinstance(file, int)):
        raise Damaged(f"a row of {table} has lost its place", remedy="livinglab fsck")
    subject = row["subject"] if isinstance(row["subject"], str) else None
    place = quarantine_place(table, subject, batch, file, number if isinstance(number, int) else None)
    return open_bytes(AESGCM(key), blob, place)
