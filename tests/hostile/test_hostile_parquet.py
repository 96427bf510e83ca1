"""Parquet that claims more than its bytes hold: runs and dictionaries are bombs of their own."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile_contracts import PLAIN, SOAK, read_bytes, readings, verdicts

from lakehouse.errors import UnreadableInput
from lakehouse.readers import parquet, parquet_cells
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.parquet_cells import ParquetCells
from lakehouse.readers.parquet_pages import page_sizes, row_groups
from lakehouse.readers.streamed_tables import stream_table

PARQUET = readings(format="parquet")


def written(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def run_of_nulls() -> bytes:
    """Ten million rows without a value: a few kilobytes."""
    return written(pa.table({name: pa.nulls(10**7, pa.string()) for name in PLAIN}))


def one_long_text() -> bytes:
    """One text of a megabyte, stated ten thousand times: ten gigabytes once each row holds its own."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), ["x" * 2**20])
    return written(pa.table({"note": long}))


def one_long_text_in_lists() -> bytes:
    """The same inside lists, where no column of text is to be seen."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), ["x" * 2**20])
    return written(pa.table({"note": pa.ListArray.from_arrays(pa.array(range(10_001), pa.int32()), long)}))


def page_of_one_letter() -> bytes:
    """A text of 40 megabytes, packed into two kilobytes."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"note": ["x" * (40 << 20)]}), sink, compression="zstd", use_dictionary=False)
    return sink.getvalue()


def compact(number: int, width: int = 0) -> bytes:
    """A number as Thrift writes it, filled up to a width."""
    rest = number << 1
    digits = [rest >> shift & 127 for shift in range(0, max(7 * width, rest.bit_length()), 7)]
    return bytes([digit | 128 for digit in digits[:-1]] + digits[-1:])


def page_that_a_lie_hides() -> bytes:
    """The same page, and a footer that calls it a kilobyte."""
    data = page_of_one_letter()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    true = compact(pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).total_byte_size)
    assert true in data[footer:]
    return data[:footer] + data[footer:].replace(true, compact(1_000, len(true)))


def one_long_text_of_fixed_length() -> bytes:
    """A megabyte, stated fifty times, in the one kind of text that is never held as a dictionary."""
    return written(pa.table({"note": pa.array([b"x" * 2**20] * 50, pa.binary(2**20))}))


def list_of_nothing() -> bytes:
    """One row, ten million values."""
    return written(pa.table({"note": pa.array([[None] * 10**7], pa.list_(pa.string()))}))


@pytest.mark.parametrize(
    "bomb",
    [
        run_of_nulls,
        one_long_text,
        one_long_text_in_lists,
        one_long_text_of_fixed_length,
        page_of_one_letter,
        page_that_a_lie_hides,
        list_of_nothing,
    ],
)
def test_a_bomb_is_set_aside_as_one_file(bomb) -> None:
    data = bomb()
    assert len(data) < 3 * 2**20
    assert [(aside.reason, aside.raw) for aside in read_bytes(PARQUET, data).rejected] == [
        ("unreadable_file", data)
    ]
    file = InputFile(number=1, name="x.parquet", load=lambda: data, size=len(data))
    assert [(aside.reason, aside.raw) for aside in stream_table(file, PARQUET).rejected] == [
        ("unreadable_file", data)
    ]


def test_a_reader_that_believes_the_footer_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant asks the footer how large pages are."""
    monkeypatch.setattr(
        parquet_cells, "page_sizes", lambda _source, chunks: [chunk.end - chunk.begin for chunk in chunks]
    )
    with pytest.raises(AssertionError):
        test_a_bomb_is_set_aside_as_one_file(page_that_a_lie_hides)


@pytest.mark.parametrize(
    "options", [{}, {"data_page_version": "2.0"}, {"compression": "none", "write_page_checksum": True}]
)
def test_pages_are_as_large_as_the_footer_of_an_honest_file_says(options: dict) -> None:
    """What the footer tells counts the headers of pages too: some dozen bytes each."""
    sink = io.BytesIO()
    count = 2_000
    columns = {"text": [f"{n}" for n in range(count)], "list": [["x"] * (n % 3) for n in range(count)]}
    pq.write_table(pa.table(columns), sink, row_group_size=900, **options)
    source = pa.BufferReader(sink.getvalue())
    metadata = pq.ParquetFile(source).metadata
    groups = row_groups(source)
    sizes = list(page_sizes(source, [chunk for _, chunks in groups for chunk in chunks]))
    assert [rows for rows, _ in groups] == [900, 900, 200]
    told = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    assert len(sizes) == 2 * 2 * metadata.num_row_groups
    assert 0 < told - sum(sizes) < 120 * len(sizes)


@pytest.mark.parametrize("place", [4, 6, 30])
def test_pages_that_are_none_are_damage(place: int) -> None:
    data = bytearray(written(pa.table({"note": ["well"] * 30})))
    data[place : place + 20] = b"\xff" * 20
    assert [aside.reason for aside in read_bytes(PARQUET, bytes(data)).rejected] == ["unreadable_file"]


def test_a_row_of_more_text_than_a_line_may_have_is_not_read() -> None:
    data = written(pa.table({"note": ["x" * (40 << 20)]}))
    assert [aside.reason for aside in read_bytes(PARQUET, data).rejected] == ["too_large"]


@pytest.mark.parametrize("kept_as_dictionary", [True, False])
def test_text_that_is_no_utf_8_is_not_read(kept_as_dictionary: bool) -> None:
    """Parquet says that text is UTF-8; writers do not check."""
    raw = pa.array([b"well", b"\xff\xfe"])
    text = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    sink = io.BytesIO()
    pq.write_table(pa.table({"note": text}), sink, use_dictionary=kept_as_dictionary)
    assert [aside.reason for aside in read_bytes(PARQUET, sink.getvalue()).rejected] == ["bad_encoding"]


def test_bytes_that_are_text_are_read_beside_bytes_that_are_none() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"note": [b"well", b"\xff", None]}), sink)
    assert parquet.text_columns(sink.getvalue())["note"] == ["well", "\"b'\\\\xff'\"", None]


def test_a_reader_that_believes_parquet_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant reads whatever rows the file claims."""
    small = written(pa.table({name: pa.nulls(250_000, pa.string()) for name in PLAIN}))
    with pytest.raises(UnreadableInput):
        parquet.text_columns(small)
    monkeypatch.setattr(ParquetCells, "_require_honest", lambda *_claims: None)
    assert len(parquet.text_columns(small)["note"]) == 250_000


def test_numbers_that_repeat_are_no_bomb() -> None:
    """A few kilobytes hold a hundred thousand of them: runs take no place, and numbers are short."""
    data = written(pa.table({"steps": [7] * 100_000}))
    assert len(data) < 2**12
    assert parquet.text_columns(data)["steps"] == ["7"] * 100_000


@pytest.mark.parametrize("kept_as_dictionary", [True, False])
def test_an_honest_file_is_read(kept_as_dictionary: bool) -> None:
    """Values that repeat are no bomb."""
    columns = {name: pa.array([text] * 30) for name, text in PLAIN.items()}
    columns["device"] = pa.array([f"D{n}" for n in range(30)])
    if kept_as_dictionary:
        columns["note"] = columns["note"].dictionary_encode()
    found = read_bytes(readings(format="parquet", increasing=None), written(pa.table(columns)))
    assert verdicts(found) == ["accepted"] * 30


def test_no_flipped_bit_ends_the_process_or_loses_a_row() -> None:
    """pyarrow ends it on some footers as soon as it is asked for a chunk; read whole and in parts alike."""
    columns = {**{name: [text] * 90 for name, text in PLAIN.items()}, "more": [[f"{n}"] for n in range(90)]}
    whole, chance = written(pa.table(columns)), random.Random(1)
    for _ in range(2_000 if SOAK else 200):
        data, place = bytearray(whole), chance.randrange(8 * len(whole))
        data[place // 8] ^= 1 << place % 8
        found = read_bytes(PARQUET, bytes(data))
        file = InputFile(number=1, name="x", load=lambda data=data: bytes(data), size=len(data))
        parts = list(stream_table(file, PARQUET).parts())
        assert sum(part.received for part in parts) == found.received
        assert [aside for part in parts for aside in part.rejected] == list(found.rejected)
