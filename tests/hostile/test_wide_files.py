"""Files that claim more columns than they fill: lines may leave cells out, so a few bytes claim billions."""

import io
import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile_contracts import HEADER, PLAIN, read_bytes, readings, row, verdicts

from lakehouse.adapters.bronze_rows import BatchFile
from lakehouse.errors import UnreadableInput
from lakehouse.pipeline import landing_batch
from lakehouse.readers import csv, json_lines, line_files, unknown_files, whole_files
from lakehouse.readers.input_files import InputFile
from lakehouse.readers.streamed_lines import stream_lines
from lakehouse.readers.whole_files import COLUMN_LIMIT

CSV = readings()
JSON = readings(format="json_lines")
FORMS = {"csv": csv.csv_form, "json_lines": json_lines.json_form}
Read = Callable[..., list]


def read_whole(contract, data: bytes) -> list[tuple[str, int | None]]:
    return [(aside.reason, aside.row) for aside in read_bytes(contract, data).rejected]


def read_in_parts(contract, data: bytes) -> list[tuple[str, int | None]]:
    file = InputFile(number=1, name="x", load=lambda: data, size=len(data))
    parts = stream_lines(file, contract, FORMS[contract.format], rows=100).parts()
    return [(aside.reason, aside.row) for part in parts for aside in part.rejected]


def header_of_commas(columns: int) -> bytes:
    """Short lines under columns without a name."""
    return "\n".join([HEADER + "," * columns, *[row(device=f"D{n}") for n in range(50)], ""]).encode()


def new_key_a_line(lines: int) -> bytes:
    """Every key is a column of every line."""
    return "\n".join(json.dumps({**PLAIN, "device": f"D{n}", f"key{n}": "x"}) for n in range(lines)).encode()


def one_long_name(lines: int) -> bytes:
    """A name of 32 KiB, stated once: sealed beside each row it would be a hundred megabytes."""
    short = [json.dumps({**PLAIN, "device": f"D{n}"}) for n in range(lines)]
    return "\n".join([json.dumps({**PLAIN, "x" * 2**15: "x"}), *short]).encode()


@pytest.mark.parametrize("read", [read_whole, read_in_parts])
@pytest.mark.parametrize(
    ("contract", "data"),
    [
        (CSV, header_of_commas(10**6)),
        (CSV, header_of_commas(COLUMN_LIMIT)),
        (JSON, new_key_a_line(COLUMN_LIMIT + 1)),
        (JSON, one_long_name(2_100)),
    ],
    ids=["a million commas", "one too many", "a new key a line", "a long name"],
)
def test_too_many_columns_set_the_file_aside(read: Read, contract, data: bytes) -> None:
    assert read(contract, data) == [("too_many_columns", None)]


@pytest.mark.parametrize("read", [read_whole, read_in_parts])
def test_columns_without_a_name_and_without_a_cell_are_none(read: Read) -> None:
    """Spreadsheets export them by the thousand; up to the limit they cost nothing."""
    contract = readings(increasing=None)
    assert read(contract, header_of_commas(COLUMN_LIMIT - len(PLAIN))) == []
    assert read_bytes(contract, header_of_commas(10)).undeclared == ()


@pytest.mark.parametrize("read", [read_whole, read_in_parts])
def test_a_line_of_commas_is_set_aside_alone(read: Read) -> None:
    """Empty fields may follow, up to the limit; behind it the line is no line."""
    lines = [HEADER, row(device="D1") + ",,", row(device="D2") + "," * COLUMN_LIMIT, ""]
    assert read(readings(increasing=None), "\n".join(lines).encode()) == [("wrong_column_count", 2)]


def test_undeclared_columns_that_are_filled_are_kept() -> None:
    wide = {f"item {n}": str(n) for n in range(300)}
    lines = [json.dumps({**PLAIN, **wide, "device": f"D{n}"}) for n in range(3)]
    found = read_bytes(readings(format="json_lines", increasing=None), "\n".join(lines).encode())
    assert verdicts(found) == ["accepted"] * 3
    assert found.undeclared == tuple(wide)


def test_a_reader_without_limits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant makes seventeen million cells of half a megabyte."""
    monkeypatch.setattr(line_files, "COLUMN_LIMIT", 10**9)
    monkeypatch.setattr(whole_files, "ALWAYS_SPREAD", 10**12)
    with pytest.raises(AssertionError):
        test_too_many_columns_set_the_file_aside(read_whole, JSON, new_key_a_line(COLUMN_LIMIT + 1))


def test_parquet_has_no_more_columns_either() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({f"c{n}": ["x"] for n in range(COLUMN_LIMIT + 1)}), sink)
    contract = readings(format="parquet")
    assert read_whole(contract, sink.getvalue()) == [("too_many_columns", None)]


@pytest.mark.parametrize("data", [header_of_commas(10**5), new_key_a_line(COLUMN_LIMIT + 1)])
def test_no_contract_is_proposed_for_it(tmp_path, data: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(UnreadableInput, match="columns; 4,096 can be read"):
        unknown_files.read_unknown_file(path)


@pytest.mark.parametrize(("most", "files_each"), [(10**9, [3]), (1_000, [1, 1, 1])])
def test_a_portion_ends_where_repeated_names_make_it_large(
    monkeypatch: pytest.MonkeyPatch, most: int, files_each: list[int]
) -> None:
    """Thirty undeclared names go into the sealed text of each row."""
    monkeypatch.setattr(landing_batch, "PORTION_BYTES", most)
    line = json.dumps({**PLAIN, **{f"a rather long name {n}": "1" for n in range(30)}})
    contract = readings(format="json_lines")
    files = [
        BatchFile(found=read_bytes(contract, line.encode()), bytes_hmac=b"", source_digest="")
        for _ in range(3)
    ]
    assert [len(portion) for portion in landing_batch.portions(contract, files)] == files_each
