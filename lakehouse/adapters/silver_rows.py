"""Rows between bronze and silver: what is opened, joined, refused and kept. Nothing here touches a disk."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.adapters.arrow_types import ARROW_TYPES
from lakehouse.adapters.bronze_rows import repeated_keys, row_mask
from lakehouse.adapters.quarantine_rows import SetAside
from lakehouse.core.contract import Column, DatasetContract, JoinRule
from lakehouse.methods import apply_column
from lakehouse.methods.context import MethodContext
from lakehouse.methods.unseal import open_columns

Refusal = tuple[str, str | None]
Place = tuple[int | None, int]
"""Where a file stands: its batch, and its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """Silver columns of every row; refused rows by index: (reason, column); counts of replacements."""

    rows: pa.Table
    refused: Mapping[int, Refusal]
    findings: Mapping[str, int]


def silver_schema(contract: DatasetContract) -> pa.Schema:
    """Return the columns of a silver table, as `handle_columns` gives them."""
    own = [(column.name, ARROW_TYPES[column.type]) for column in contract.columns if column.name != "subject"]
    return pa.schema([("subject", pa.string()), *own])


def opened_rows(
    rows: pa.Table, bronze: DatasetContract, silver: DatasetContract, keys: Mapping[str, bytes]
) -> pa.Table:
    """Return bronze rows with the sealed columns that a silver table reads opened beside the others."""
    sealed = {column.name: column.sealed_by_row for column in _sealed_inputs(bronze, silver)}
    for name, texts in open_columns(rows, sealed, keys, table=bronze.table).items():
        rows = rows.append_column(name, texts)
    return rows


def needs_opening(bronze: DatasetContract, silver: DatasetContract) -> bool:
    """Whether a silver table reads any sealed column."""
    return bool(_sealed_inputs(bronze, silver))


def _sealed_inputs(bronze: DatasetContract, silver: DatasetContract) -> list[Column]:
    """Return the sealed columns that a silver table reads; free text always, for redaction."""
    wanted = {column.source for column in silver.columns}
    return [c for c in bronze.columns if c.sealed_by_row or (c.sealed and c.name in wanted)]


def unlinked_rows(rows: pa.Table, linked: pa.Array) -> list[int]:
    """Return the indexes of rows whose subject is not among `linked`."""
    known = pc.is_in(rows.column("subject"), linked)
    return [int(index) for index in pc.indices_nonzero(pc.invert(known)).to_pylist()]


def joined_rows(rows: pa.Table, rule: JoinRule, other: pa.Table | None) -> pa.Table:
    """Return the rows with a rule's columns of another table by subject; null where it has no such person."""
    if other is None:
        for name in rule.columns:
            rows = rows.append_column(name, pa.nulls(len(rows), pa.string()))
        return rows
    places = pc.index_in(rows.column("subject").combine_chunks(), other.column("subject").combine_chunks())
    for name in rule.columns:
        rows = rows.append_column(name, other.column(name).combine_chunks().take(places))
    return rows


def handle_columns(rows: pa.Table, contract: DatasetContract, context: MethodContext) -> Handled:
    """Apply each column's method and hold the result against its type and range."""
    columns: dict[str, pa.Array] = {"subject": rows.column("subject")}
    refused: dict[int, Refusal] = {}
    findings = Counter[str]()
    for column in contract.columns:
        if column.name == "subject":
            continue
        applied = apply_column(_source_values(rows, column), column, context)
        columns[column.name] = applied.values
        findings.update(applied.findings)
        for index, reason in applied.rejected.items():
            refused.setdefault(index, (reason, column.name))
    return Handled(rows=pa.table(columns), refused=refused, findings=findings)


def _source_values(rows: pa.Table, column: Column) -> pa.Array:
    if column.source not in rows.column_names:
        return pa.nulls(len(rows), pa.string())
    return rows.column(column.source).combine_chunks()


def superseded_rows(rows: pa.Table, keys: Sequence[str], refused: Iterable[int]) -> list[int]:
    """Return the indexes of rows whose subject and keys stand again in a later, accepted row."""
    own = [key for key in keys if key != "subject"]
    if not keys or not len(rows):
        return []
    standing = np.setdiff1d(np.arange(len(rows)), np.fromiter(refused, dtype=np.int64))[::-1]
    later = repeated_keys(rows.select(["subject", *own]).take(pa.array(standing)), own)
    return sorted(int(standing[index]) for index in later)


def kept_rows(rows: pa.Table, dropped: Iterable[int]) -> pa.Table:
    """Return the rows without the dropped indexes; nothing is copied where all stay."""
    refused = list(dropped)
    return rows.filter(row_mask(len(rows), refused)) if refused else rows


def input_weights(rows: pa.Table) -> list[int]:
    """Return how many input rows each row rests on (n)."""
    if "input_rows" not in rows.column_names:
        return [1] * len(rows)
    return [int(count) for count in rows.column("input_rows").to_pylist()]


def divided_files(rows: pa.Table, sizes: Mapping[Place, int]) -> frozenset[Place]:
    """Return the files of which a portion has only a part; sizes: rows of each whole file."""
    return frozenset(file for file, count in _file_sizes(rows).items() if count < sizes[file])


def refused_entries(
    rows: pa.Table,
    refused: Iterable[tuple[int, str, str | None]],
    weights: Sequence[int] | None = None,
    divided: AbstractSet[Place] = frozenset(),
) -> list[SetAside]:
    """Return quarantine entries of refused rows by their place; a file refused whole is one entry.

    The raw row stands sealed in bronze at that place, so nothing is sealed again. Of files in `divided`
    other rows are elsewhere: their entries stay single.
    """
    stated = list(refused)
    chosen = rows.take(pa.array([index for index, _, _ in stated], pa.int64()))
    places = [chosen.column(name).to_pylist() for name in ("batch", "file", "row", "subject")]
    entries = [
        SetAside(batch=batch, file=file, row=row, reason=reason, column=column, raw=b"", subject=subject,
                 rows=weights[index] if weights else 1)
        for (index, reason, column), batch, file, row, subject in zip(stated, *places, strict=True)
    ]  # fmt: skip
    return _whole_files(rows, entries, divided)


def _whole_files(rows: pa.Table, entries: Sequence[SetAside], divided: AbstractSet[Place]) -> list[SetAside]:
    """Merge entries that refuse all rows of a file of many rows for one reason."""
    if len(entries) < 2:
        return list(entries)
    groups = Counter((entry.batch, entry.file, entry.reason, entry.column) for entry in entries)
    sizes = _file_sizes(rows)
    merged: dict[tuple[object, ...], SetAside] = {}
    single: list[SetAside] = []
    for entry in entries:
        group = (entry.batch, entry.file, entry.reason, entry.column)
        size = sizes[(entry.batch, entry.file)]
        whole = (entry.batch, entry.file) not in divided and groups[group] == size
        if size > 1 and whole:
            merged.setdefault(group, replace(entry, row=None, rows=size))
        else:
            single.append(entry)
    return [*merged.values(), *single]


def _file_sizes(rows: pa.Table) -> dict[Place, int]:
    counted = rows.select(["batch", "file"]).group_by(["batch", "file"]).aggregate([([], "count_all")])
    return {(file["batch"], file["file"]): file["count_all"] for file in counted.to_pylist()}
