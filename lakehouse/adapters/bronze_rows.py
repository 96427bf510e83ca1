"""What a batch of files becomes: bronze rows with identifiers sealed, and sealed quarantine rows.

Stored columns are those of docs/engineer.md, "A bronze table". Sealing: PROTOCOLS section 1.
"""

import hmac
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.adapters.key_tree import frame_parts, open_bytes, seal_bytes
from lakehouse.core.contract import Column, ColumnType, DatasetContract, Sensitivity
from lakehouse.errors import Damaged
from lakehouse.methods.seal import seal_constant, seal_values
from lakehouse.readers.input_files import FileRows

PLACE_COLUMNS = ("batch", "file", "row")
UNDECLARED = "undeclared"
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
        ("raw__sealed", pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """One file of a batch: what the reader found, its keyed digest, and its duplicate mark."""

    found: FileRows
    bytes_hmac: bytes
    source_digest: str
    duplicate: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """The people of a batch: (id system, identifier) -> pseudonym, and the key that seals for each."""

    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    seal_keys: Mapping[str, bytes] = field(default_factory=dict)


def stated_people(contract: DatasetContract, file: FileRows) -> set[tuple[str, str]]:
    """Return the (id system, identifier) pairs that a file's accepted rows name."""
    if contract.subject is None or not len(file.rows):
        return set()
    rule = contract.subject
    if rule.column in file.constants:
        return {(str(rule.system), str(file.constants[rule.column]))}
    ids = file.rows.column(rule.column).to_pylist()
    systems = (
        file.rows.column(rule.system_column).to_pylist() if rule.system_column else [rule.system] * len(ids)
    )
    return set(zip(systems, ids, strict=True))


def stated_links(contract: DatasetContract, file: FileRows) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Yield ((system, id), other system, other id) for each link a row states."""
    if contract.subject is None or "links" not in file.rows.column_names:
        return
    for identifier, links in zip(
        file.rows.column(contract.subject.column).to_pylist(),
        file.rows.column("links").to_pylist(),
        strict=True,
    ):
        for link in links or ():
            yield (str(contract.subject.system), identifier), link["system"], link["value"]


def file_subjects(contract: DatasetContract, file: FileRows, people: Subjects) -> pa.Array:
    """Return the pseudonym of each row (n); null where the contract names no subject."""
    count = len(file.rows)
    if contract.subject is None:
        return pa.nulls(count, pa.string())
    rule = contract.subject
    if rule.column in file.constants:
        return pa.repeat(pa.scalar(people.names[(str(rule.system), str(file.constants[rule.column]))]), count)
    ids = file.rows.column(rule.column).to_pylist()
    systems = (
        file.rows.column(rule.system_column).to_pylist() if rule.system_column else [rule.system] * count
    )
    return pa.array([people.names[(str(s), str(i))] for s, i in zip(systems, ids, strict=True)], pa.string())


def bronze_rows(contract: DatasetContract, file: LandedFile, people: Subjects, batch: int) -> pa.Table:
    """Return one file's bronze rows: subject, place, the file's keyed digest, then the contract's columns."""
    found, count = file.found, len(file.found.rows)
    subjects = file_subjects(contract, found, people)
    columns: dict[str, pa.Array] = {
        "subject": subjects,
        "batch": _constant(batch, count),
        "file": _constant(found.file, count),
        "row": found.rows.column("row").combine_chunks(),
        "file_hmac": _constant(file.bytes_hmac, count),
    }
    for column in contract.columns:
        columns[stored_name(column)] = _stored_column(contract, column, file, subjects, people, batch)
    columns[f"{UNDECLARED}__sealed"] = _sealed_undeclared(contract, found, subjects, people, batch)
    return pa.table(columns)


def empty_bronze(contract: DatasetContract) -> pa.Table:
    """Return the bronze table of a contract without any row: its columns and their types."""
    fields = [
        ("subject", pa.string()),
        *((name, pa.int64()) for name in PLACE_COLUMNS),
        ("file_hmac", pa.binary()),
    ]
    for column in contract.columns:
        fields.append(
            (f"{column.name}__sealed", pa.binary())
            if column.sealed
            else (column.name, ARROW_TYPES[column.type])
        )
    return pa.schema([*fields, (f"{UNDECLARED}__sealed", pa.binary())]).empty_table()


def stored_name(column: Column) -> str:
    """Return what bronze calls a column."""
    return f"{column.name}__sealed" if column.sealed else column.name


def row_mask(count: int, dropped: Iterable[int]) -> pa.Array:
    """Return a mask over `count` rows that keeps all but the dropped ones."""
    keep = np.ones(count, dtype=bool)
    keep[np.fromiter(dropped, dtype=np.int64)] = False
    return pa.array(keep)


def _constant(value: object, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def _stored_column(
    contract: DatasetContract,
    column: Column,
    file: LandedFile,
    subjects: pa.Array,
    people: Subjects,
    batch: int,
) -> pa.Array:
    found, count = file.found, len(file.found.rows)
    if column.name in found.constants and column.sealed and count:
        subject = subjects[0].as_py()
        blob = seal_constant(
            str(found.constants[column.name]),
            subject,
            people.seal_keys[subject],
            table=contract.table,
            column=column.name,
            batch=batch,
        )
        return _constant(blob, count)
    if column.name in found.constants:
        return pa.repeat(pa.scalar(found.constants[column.name], ARROW_TYPES[column.type]), count)
    if column.name not in found.rows.column_names:
        return pa.nulls(count, pa.binary() if column.sealed else ARROW_TYPES[column.type])
    values = found.rows.column(column.name).combine_chunks()
    if not column.sealed:
        return values.cast(ARROW_TYPES[column.type])
    rows = found.rows.column("row").combine_chunks() if column.sensitivity is Sensitivity.FREE_TEXT else None
    return seal_values(
        values.cast(pa.string()), subjects, people.seal_keys, table=contract.table, column=column.name,
        batch=batch, rows=rows,
    )  # fmt: skip


def _sealed_undeclared(
    contract: DatasetContract, found: FileRows, subjects: pa.Array, people: Subjects, batch: int
) -> pa.Array:
    """Return one sealed JSON object a row of the columns that no contract declares; null without any."""
    names = [f"undeclared:{number}" for number in range(len(found.undeclared))]
    names = [name for name in names if name in found.rows.column_names]
    if not names or contract.subject is None:
        return pa.nulls(len(found.rows), pa.binary())
    columns = [found.rows.column(name).to_pylist() for name in names]
    labels = [found.undeclared[int(name.split(":")[1])] for name in names]
    objects = [
        json.dumps(dict(zip(labels, row, strict=True)), sort_keys=True) for row in zip(*columns, strict=True)
    ]
    return seal_values(
        pa.array(objects, pa.string()), subjects, people.seal_keys, table=contract.table, column=UNDECLARED,
        batch=batch, rows=found.rows.column("row").combine_chunks(),
    )  # fmt: skip


def without_rows(file: FileRows, indexes: Iterable[int]) -> FileRows:
    """Return the file without the rows at these indexes."""
    return replace(file, rows=file.rows.filter(row_mask(len(file.rows), indexes)))


def row_text(file: FileRows, index: int) -> bytes:
    """Return one accepted row as JSON text, for sealing it when it is set aside after all."""
    row = file.rows.slice(index, 1).to_pylist()[0]
    return json.dumps({**file.constants, **row}, default=str, sort_keys=True).encode()


def all_rows_text(file: FileRows) -> bytes:
    """Return a file's rows as CSV text, for sealing a file that is set aside whole."""
    flat = [
        name for name in file.rows.column_names if not pa.types.is_nested(file.rows.schema.field(name).type)
    ]
    stream = io.BytesIO()
    pacsv.write_csv(file.rows.select(flat), stream)
    return stream.getvalue()


def repeated_keys(rows: pa.Table, keys: Sequence[str]) -> np.ndarray:
    """Return the indexes of rows whose (subject, keys) stood in an earlier row of the table."""
    places = np.zeros(len(rows), dtype=np.int64)
    for name in ("subject", *keys):
        codes = rows.column(name).combine_chunks().dictionary_encode()
        null = len(codes.dictionary)
        if len(places) and int(places.max()) > np.iinfo(np.int64).max // (null + 1) - 1:
            places = np.unique(places, return_inverse=True)[1]
        places = places * (null + 1) + pc.fill_null(codes.indices, null).to_numpy()
    if len(places) < 2 or bool(np.all(places[1:] > places[:-1])):
        return np.array([], dtype=np.int64)
    _, first = np.unique(places, return_index=True)
    return np.setdiff1d(np.arange(len(rows)), first)


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
    for entry in entries:
        number = batch if entry.batch is None else entry.batch
        subject = entry.subject if entry.subject in seal_keys else None
        cipher = AESGCM(seal_keys[subject] if subject else batch_key)
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
    blob, batch, file, number = row["raw__sealed"], row["batch"], row["file"], row["row"]
    if not (isinstance(blob, bytes) and isinstance(batch, int) and isinstance(file, int)):
        raise Damaged(f"a row of {table} has lost its place")
    subject = row["subject"] if isinstance(row["subject"], str) else None
    place = quarantine_place(table, subject, batch, file, number if isinstance(number, int) else None)
    return open_bytes(AESGCM(key), blob, place).decode("utf-8", "replace")


def keyed_digest(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC-SHA-256 over length-framed parts."""
    return hmac.digest(key, b"".join(len(part).to_bytes(8, "little") + part for part in parts), "sha256")


def clear_text_values(contract: DatasetContract, file: FileRows) -> Iterator[tuple[str, pa.Array]]:
    """Yield (column, values) of the declared text columns that bronze keeps in the clear."""
    for column in contract.columns:
        if column.type is ColumnType.TEXT and not column.sealed and column.name in file.rows.column_names:
            yield column.name, file.rows.column(column.name).combine_chunks()


def undeclared_values(file: FileRows) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, distinct values) of each undeclared column that has rows."""
    for number in range(len(file.undeclared)):
        name = f"undeclared:{number}"
        if name in file.rows.column_names:
            yield number, [value for value in pc.unique(file.rows.column(name)).to_pylist() if value]


def rows_with_values(values: pa.Array, wanted: Sequence[str]) -> list[int]:
    """Return the indexes whose value is one of `wanted`."""
    found = pc.indices_nonzero(pc.is_in(values, pa.array(list(wanted), pa.string())))
    return [int(index) for index in found.to_pylist()]
