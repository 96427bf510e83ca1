"""Readers: one module a file format, found by its name (`format` of a bronze contract).

A reader has `read(file, contract) -> FileRows`. It never fails on what a file holds: what it cannot
take becomes a rejected row with a reason code. One that can read files in parts has
`stream(file, contract) -> FoundRows` beside it, which does so where a file is too large to be held.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import ContractError
from lakehouse.readers.input_files import FileRows, FoundRows, InputFile, expand
from lakehouse.readers.whole_files import reject_file

Reader = Callable[[InputFile, DatasetContract], FileRows]
Streamer = Callable[[InputFile, DatasetContract], FoundRows]
_NOT_FORMATS = (
    "archives",
    "casting",
    "column_drift",
    "fhir_again",
    "fhir_identifiers",
    "fhir_people",
    "file_owner",
    "hashed_lines",
    "input_files",
    "json_values",
    "large_files",
    "line_files",
    "parquet_cells",
    "parquet_pages",
    "reading_again",
    "row_order",
    "sample_lines",
    "source_folders",
    "streamed_lines",
    "streamed_tables",
    "text_rows",
    "unknown_files",
    "whole_files",
    "xz_stream",
)
_NOTHING_TAKEN = ("archive_bomb", "unsafe_archive")


def reader_names() -> tuple[str, ...]:
    """Return the formats that can be read: the modules of this package."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in modules if name not in _NOT_FORMATS))


def find_reader(name: str, *, file: str = "contract") -> Reader:
    """Return the reader of a format; `file` is the contract that asks for it.

    Raises:
        ContractError: there is no such reader; lists those there are.
    """
    if name not in reader_names():
        raise ContractError(file, "format", f"{name!r} is not known", allowed=reader_names())
    reader: Reader = importlib.import_module(f"{__name__}.{name}").read
    return reader


def find_streamer(name: str) -> Streamer | None:
    """Return what reads the large ones of a format's files in parts, None where all are read whole."""
    streamer: Streamer | None = getattr(importlib.import_module(f"{__name__}.{name}"), "stream", None)
    return streamer


def read_files(paths: Sequence[Path], contract: DatasetContract) -> Iterator[FoundRows]:
    """Yield the rows of each file of a batch, in the order of `expand`.

    One file is decompressed while the one before is read. An archive that is found unsafe gives one
    file set aside and nothing of what stood before the fault.

    Raises:
        UnreadableInput: a path is not there or may not be read.
    """
    read = find_reader(contract.format or "", file=contract.file)
    stream = find_streamer(contract.format or "")
    coming = _loaded_ahead(expand(paths, contract.files), streams=stream is not None)
    for _, files in groupby(coming, key=attrgetter("origin")):
        found: list[FoundRows] = []
        for file in files:
            if file.fault in _NOTHING_TAKEN:
                found.clear()
            if file.fault:
                found.append(reject_file(file, contract, file.fault))
            else:
                found.append((stream or read)(file, contract))
        yield from found


def _loaded_ahead(files: Iterator[InputFile], *, streams: bool) -> Iterator[InputFile]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(_load_next, files, streams)
        while (file := coming.result()) is not None:
            coming = pool.submit(_load_next, files, streams)
            yield file


def _load_next(files: Iterator[InputFile], streams: bool) -> InputFile | None:
    file = next(files, None)
    if file is None or (streams and file.is_large):
        return file
    data = file.load()
    return replace(file, load=lambda: data)
