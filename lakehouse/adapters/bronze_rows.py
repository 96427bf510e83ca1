"""What a batch of files becomes: bronze rows with identifiers sealed.

Stored columns are those of docs/engineer.md, "A bronze table". Sealing: PROTOCOLS section 1.
"""

import hmac
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.adapters.row_groups import group_numbers
from lakehouse.core.contract import SEALED, Column, ColumnType, DatasetContract
from lakehouse.methods.seal import CellCipher, seal_constant
from lakehouse.readers.input_files import FileRows, FoundRows

PLACE_COLUMNS = ("batch", "file", "row")
UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """One file of a batch as its reader gives it: its keyed digests, and its duplicate mark."""

    found: FoundRows
    bytes_hmac: bytes
    source_digest: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """Rows of one file of a batch, all or a part of them, with the file's digests and duplicate mark."""

    found: FileRows
    bytes_hmac: bytes
    source_digest: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """The people of a batch: id system -> identifier -> pseudonym, and their keys by pseudonym."""

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    seal_keys: Mapping[str, bytes] = field(default_factory=dict)
    digest_keys: Mapping[str, bytes] = field(default_factory=dict)

    def pseudonym(self, system: str | None, identifier: str | None) -> str | None:
        """Return whose identifier it is; None for nobody's."""
        return self.names.get(system or "", {}).get(identifier or "")


def stated_people(contract: DatasetContract, file: FileRows) -> dict[str, list[str]]:
    """Return the identifiers that a file's accepted rows name, each once, by id system."""
    rule = contract.subject
    if rule is None or not len(file.rows):
        return {}
    if rule.column in file.constants:
        return {str(rule.system): [str(file.constants[rule.column])]}
    ids = file.rows.column(rule.column)
    if rule.system_column is None:
        return {str(rule.system): ids.unique().to_pylist()}
    systems = file.rows.column(rule.system_column)
    return {
        system: ids.filter(pc.equal(systems, system)).unique().to_pylist()
        for system in systems.unique().to_pylist()
    }


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
    if contract.subject is None or not count:
        return pa.nulls(count, pa.string())
    rule = contract.subject
    if rule.column in file.constants:
        own = people.names[str(rule.system)][str(file.constants[rule.column])]
        return pa.repeat(pa.scalar(own), count)
    ids = file.rows.column(rule.column).combine_chunks()
    if rule.system_column is None:
        return _named(ids, people.names[str(rule.system)])
    systems = file.rows.column(rule.system_column).to_pylist()
    named = [people.names[system][own] for system, own in zip(systems, ids.to_pylist(), strict=True)]
    return pa.array(named, pa.string())


def _named(ids: pa.Array, names: Mapping[str, str]) -> pa.Array:
    """Return the pseudonym of each identifier (n)."""
    encoded = ids.dictionary_encode()
    return pa.array([names[own] for own in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def bronze_rows(contract: DatasetContract, file: LandedFile, people: Subjects, batch: int) -> pa.Table:
    """Return one file's bronze rows: subject, place, the file's keyed digest, then the contract's columns."""
    found, count = file.found, len(file.found.rows)
    subjects = file_subjects(contract, found, people)
    file_columns = _FileColumns(contract, found, subjects, people.seal_keys, batch)
    columns: dict[str, pa.Array] = {
        "subject": subjects,
        "batch": _constant(batch, count),
        "file": _constant(found.file, count),
        "row": found.rows.column("row").combine_chunks(),
        "file_hmac": _constant(file.bytes_hmac, count),
    }
    for column in contract.columns:
        columns[column.stored_name] = file_columns.stored(column)
    columns[f"{UNDECLARED}{SEALED}"] = file_columns.undeclared()
    return pa.table(columns)


def empty_bronze(contract: DatasetContract) -> pa.Table:
    """Return the bronze table of a contract without any row: its columns and their types."""
    fields = [
        ("subject", pa.string()),
        *((name, pa.int64()) for name in PLACE_COLUMNS),
        ("file_hmac", pa.binary()),
    ]
    fields += [(column.stored_name, _stored_type(column)) for column in contract.columns]
    return pa.schema([*fields, (f"{UNDECLARED}{SEALED}", pa.binary())]).empty_table()


def _stored_type(column: Column) -> pa.DataType:
    return pa.binary() if column.sealed else ARROW_TYPES[column.type]


def row_mask(count: int, dropped: Iterable[int]) -> pa.Array:
    """Return a mask over `count` rows that keeps all but the dropped ones."""
    keep = np.ones(count, dtype=bool)
    keep[np.fromiter(dropped, dtype=np.int64)] = False
    return pa.array(keep)


def _constant(value: object, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


class _FileColumns:
    """The columns of one file as bronze stores them."""

    def __init__(
        self,
        contract: DatasetContract,
        found: FileRows,
        subjects: pa.Array,
        keys: Mapping[str, bytes],
        batch: int,
    ) -> None:
        self._contract = contract
        self._found = found
        self._subjects = subjects
        self._keys = keys
        self._batch = batch
        self._count = len(found.rows)

    @cached_property
    def _cipher(self) -> CellCipher:
        batches = _constant(self._batch, self._count)
        return CellCipher(self._subjects, batches, self._keys, table=self._contract.table)

    @cached_property
    def _numbers(self) -> pa.Array:
        return self._found.rows.column("row").combine_chunks()

    def stored(self, column: Column) -> pa.Array:
        """Return one declared column (n)."""
        found = self._found
        if not self._count:
            return pa.nulls(0, _stored_type(column))
        if column.name in found.constants:
            return self._constant_column(column, found.constants[column.name])
        if column.name not in found.rows.column_names:
            return pa.nulls(self._count, _stored_type(column))
        values = found.rows.column(column.name).combine_chunks()
        if not column.sealed:
            return values.cast(ARROW_TYPES[column.type])
        rows = self._numbers if column.sealed_by_row else None
        return self._cipher.seal(column.name, values.cast(pa.string()), rows)

    def _constant_column(self, column: Column, value: str | int) -> pa.Array:
        if not column.sealed:
            return pa.repeat(pa.scalar(value, ARROW_TYPES[column.type]), self._count)
        subject = self._subjects[0].as_py()
        blob = seal_constant(
            str(value), subject, self._keys[subject], table=self._contract.table, column=column.name,
            batch=self._batch,
        )  # fmt: skip
        return _constant(blob, self._count)

    def undeclared(self) -> pa.Array:
        """Return one sealed JSON object a row of the columns that no contract declares; null without any."""
        found = self._found
        names = [f"undeclared:{number}" for number in range(len(found.undeclared))]
        names = [name for name in names if name in found.rows.column_names]
        if not names or self._contract.subject is None:
            return pa.nulls(self._count, pa.binary())
        columns = [found.rows.column(name).to_pylist() for name in names]
        labels = [found.undeclared[int(name.split(":")[1])] for name in names]
        objects = [
            json.dumps(dict(zip(labels, row, strict=True)), sort_keys=True)
            for row in zip(*columns, strict=True)
        ]
        return self._cipher.seal(UNDECLARED, pa.array(objects, pa.string()), self._numbers)


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
    places = group_numbers([rows.column(name).combine_chunks() for name in ("subject", *keys)])
    if len(places) < 2 or bool(np.all(places[1:] > places[:-1])):
        return np.array([], dtype=np.int64)
    _, first = np.unique(places, return_index=True)
    return np.setdiff1d(np.arange(len(rows)), first)


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
