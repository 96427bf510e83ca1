"""The cells of a Parquet file as text, a batch of rows at a time, and what no honest file claims.

Text is read as dictionaries, so that a value stated a million times is held once until its size is known.
Format: https://parquet.apache.org/docs/file-format/
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.errors import UnreadableInput
from lakehouse.readers.archives import ALWAYS_ALLOWED, EXPANSION_LIMIT
from lakehouse.readers.parquet_pages import ColumnChunk, page_sizes, row_groups
from lakehouse.readers.whole_files import COLUMN_LIMIT, LINE_LIMIT

Cells = Mapping[str, list[str | None]]
CELLS_ALWAYS_ALLOWED = 200_000
CELLS_A_BYTE = 20
PART_CELLS = 2**20
PIECE_TEXT = 2**24
FIXED_LIMIT = 2**10
"""Bytes of a value of fixed length, which Arrow does not read as dictionaries; a decimal number has 32."""
PAGE_LIMIT = 2**27
PAGES = 500_000
"""Writers make pages of one megabyte; 16 GiB of them are 16,384."""
PACKING = 8
"""How many bytes of text one of Parquet may stand for before undeclared columns count as too many."""
_BUFFER = 2**20


class ParquetCells:
    """An open file: its columns' names, how many cells and bytes it has, and its rows.

    Raises UnreadableInput with the fact `reason` where it is not Parquet, is damaged, has two columns of
    one name or more than COLUMN_LIMIT, or claims more than its bytes explain.
    """

    def __init__(self, source: pa.NativeFile) -> None:
        self.size = int(source.size())
        with _damage():
            about = pq.ParquetFile(source)
            self.names = tuple(about.schema_arrow.names)
            groups = row_groups(source)
            self.cells = sum(max(rows, sum(own.values for own in chunks)) for rows, chunks in groups)
            self._require_honest(about.metadata)
            self._require_honest_pages(source, [chunk for _, chunks in groups for chunk in chunks])
            self._file = pq.ParquetFile(
                source, metadata=about.metadata, read_dictionary=_text_paths(about.metadata),
                buffer_size=_BUFFER, pre_buffer=False,
            )  # fmt: skip
            self._groups = range(about.metadata.num_row_groups if self.names else 0)

    def batches(self, rows: int) -> Iterator[tuple[int, Cells]]:
        """Yield (number of rows, cells by column) in the order of the file, `rows` at most.

        A row group after the other: Arrow joins no dictionaries inside lists.
        """
        allowed = max(ALWAYS_ALLOWED, EXPANSION_LIMIT * self.size)
        most = max(1, min(rows, PART_CELLS // max(1, len(self.names))))
        with _damage():
            for group in self._groups:
                for batch in self._file.iter_batches(most, [group], use_threads=False):
                    _require_utf8(batch)
                    for piece, size in _pieces(batch):
                        allowed -= size
                        if allowed < 0:
                            raise _bomb()
                        columns = zip(self.names, piece.columns, strict=True)
                        yield piece.num_rows, {name: _texts(values) for name, values in columns}

    def _require_honest(self, metadata: pq.FileMetaData) -> None:
        """Runs and dictionaries can stand for any number of cells."""
        if max(metadata.num_columns, len(self.names)) > COLUMN_LIMIT:
            raise UnreadableInput(
                f"the file has {metadata.num_columns:,} columns; {COLUMN_LIMIT:,} can be read",
                remedy="split it by columns",
                reason="too_many_columns",
            )
        if len(set(self.names)) < len(self.names):
            raise _unreadable("two columns have one name", "name each column once")
        columns = (metadata.schema.column(number) for number in range(metadata.num_columns))
        if max((column.length for column in columns), default=0) > FIXED_LIMIT:
            raise _bomb()
        if self.cells > max(CELLS_ALWAYS_ALLOWED, CELLS_A_BYTE * self.size):
            raise _bomb()

    def _require_honest_pages(self, source: pa.NativeFile, chunks: Sequence[ColumnChunk]) -> None:
        """A page of zeros can stand for any size; whoever writes pages of a few bytes each wants time."""
        allowed = max(ALWAYS_ALLOWED, EXPANSION_LIMIT * self.size)
        for number, unpacked in enumerate(page_sizes(source, chunks)):
            allowed -= unpacked
            if allowed < 0 or unpacked > PAGE_LIMIT or number > PAGES:
                raise _bomb()


def _text_paths(metadata: pq.FileMetaData) -> list[str]:
    """Return the columns of text and bytes, those inside lists and records too."""
    columns = (metadata.schema.column(number) for number in range(metadata.num_columns))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _leaves(values: pa.Array) -> Iterator[pa.Array]:
    """Yield the arrays of single values inside a column, one at least."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        yield from _leaves(values.storage)
    elif pa.types.is_map(kind):
        yield from _leaves(values.keys)
        yield from _leaves(values.items)
    elif pa.types.is_struct(kind) or pa.types.is_list(kind):
        inner = values.flatten()
        for part in inner if isinstance(inner, list) else [inner]:
            yield from _leaves(part)
    elif pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(values.flatten())
    else:
        yield values


def _require_utf8(batch: pa.RecordBatch) -> None:
    """Text is UTF-8 in Parquet; nobody checks when it is written."""
    for column in batch.columns:
        for leaf in _leaves(column):
            if pa.types.is_dictionary(leaf.type) and pa.types.is_string(leaf.type.value_type):
                try:
                    leaf.dictionary.validate(full=True)
                except pa.ArrowInvalid as problem:
                    raise UnreadableInput(
                        "text of the file is not UTF-8", remedy="write it anew", reason="bad_encoding"
                    ) from problem


def _pieces(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield a batch in pieces, with the bytes of text in each once every row holds its own."""
    size = sum(_text_size(leaf) for column in batch.columns for leaf in _leaves(column))
    if size <= PIECE_TEXT:
        yield batch, size
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))
    else:
        raise UnreadableInput(
            f"a row holds {size:,} bytes of text; {LINE_LIMIT:,} can be read",
            remedy="split it",
            reason="too_large",
        )


def _text_size(values: pa.Array) -> int:
    if pa.types.is_primitive(values.type) or pa.types.is_null(values.type):
        return 0
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    lengths = pc.cast(pc.binary_length(values.dictionary), pa.int64())
    return int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def _texts(values: pa.Array) -> list[str | None]:
    """Return values as text: numbers and times as Arrow writes them, lists and records as JSON."""
    plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    try:
        return list(pc.cast(plain, pa.string()).to_pylist())
    except pa.ArrowNotImplementedError:
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
    except pa.ArrowInvalid:
        return [_text(value) for value in plain]


def _text(value: pa.Scalar) -> str | None:
    """Return one value as text, bytes that are none as JSON: what a value becomes hangs on no other."""
    try:
        return None if not value.is_valid else str(pc.cast(value, pa.string()).as_py())
    except pa.ArrowInvalid:
        return json.dumps(value.as_py(), default=str)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as problem:
        raise _unreadable("the file is no whole Parquet file", "give it anew") from problem


def _unreadable(message: str, remedy: str) -> UnreadableInput:
    return UnreadableInput(message, remedy=remedy, reason="unreadable_file")


def _bomb() -> UnreadableInput:
    return _unreadable("the file holds far more cells than its size explains", "split it")
