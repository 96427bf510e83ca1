"""More rows than memory should hold: a private Parquet file that is written and read in portions."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.adapters.arrow_types import plain_types
from lakehouse.adapters.private_folders import private_folder

PORTION_ROWS = 2**18
MOST_PORTIONS = 32
"""Open files at a time; portions grow beyond PORTION_ROWS only above eight million rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledRows:
    """Rows in a Parquet file, as sealed as the table they go to."""

    path: Path

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(pq.read_metadata(self.path).num_rows)

    def by_person(self) -> Iterator[pa.Table]:
        """Yield the rows in portions; all rows of a subject, and all without one, stand in one of them."""
        if len(self) <= PORTION_ROWS:
            yield plain_types(pq.read_table(self.path))
            return
        with pq.ParquetFile(self.path) as file:
            yield from people_portions(file.iter_batches(), file.schema_arrow, len(self), self.path.parent)


def people_portions(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, count: int, work: Path
) -> Iterator[pa.Table]:
    """Yield `count` rows in portions; all rows of a subject, and all without one, stand in one of them.

    Meanwhile they lie, as sealed as they came, in a private folder below `work`.
    """
    with private_folder(work) as folder:
        parts = [
            Path(folder, f"{number}.arrow") for number in range(min(-(-count // PORTION_ROWS), MOST_PORTIONS))
        ]
        _divide(batches, schema, parts)
        for part in parts:
            with pa.memory_map(str(part)) as source:
                yield plain_types(pa.ipc.open_stream(source).read_all())
            part.unlink()


def _divide(batches: Iterable[pa.RecordBatch], schema: pa.Schema, parts: Sequence[Path]) -> None:
    """Give every row to its subject's part."""
    with ExitStack() as opened:
        writers = [opened.enter_context(pa.ipc.new_stream(part, schema)) for part in parts]
        for batch in batches:
            owners = part_numbers(batch.column("subject"), len(parts))
            for number in np.unique(owners):
                writers[number].write(batch.filter(pa.array(owners == number)))


def part_numbers(subjects: pa.Array, count: int) -> np.ndarray:
    """Return which of `count` parts each subject's rows (n) belong to; none is in the first."""
    encoded = subjects.dictionary_encode()
    owners = [crc32(name.encode()) * count >> 32 for name in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(owners)).to_numpy(zero_copy_only=False)
    return np.array([*owners, 0], dtype=np.int64)[codes]  # type: ignore[no-any-return]


class RowSpool:
    """Rows on their way into a private file; what was written is there once the block has ended."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, schema, compression="snappy", store_schema=False)
        self.rows = 0

    def __enter__(self) -> Self:
        """Return the spool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the file, durable; without a sound end it is removed."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is not None:
            self.path.unlink(missing_ok=True)

    def ended(self) -> pa.Table | SpooledRows:
        """Return what was written: few rows in memory, and no file; many as the file."""
        if self.rows > PORTION_ROWS:
            return SpooledRows(path=self.path)
        rows = plain_types(pq.read_table(self.path))
        self.path.unlink()
        return rows

    def add(self, rows: pa.Table) -> None:
        """Write rows of the spool's columns behind those that are there."""
        if len(rows):
            self._writer.write_table(rows.select(self._schema.names).cast(self._schema))
            self.rows += len(rows)
