"""Parquet that claims more than its bytes hold: runs and dictionaries are bombs of their own."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile_contracts import PLAIN, read_bytes, readings, verdicts

from lakehouse.readers import parquet

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


@pytest.mark.parametrize("bomb", [run_of_nulls, one_long_text])
def test_a_bomb_is_set_aside_as_one_file(bomb) -> None:
    data = bomb()
    assert len(data) < 3 * 2**20
    assert [(aside.reason, aside.raw) for aside in read_bytes(PARQUET, data).rejected] == [
        ("unreadable_file", data)
    ]


def test_a_reader_that_believes_parquet_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant reads whatever rows the file claims."""
    small = written(pa.table({name: pa.nulls(250_000, pa.string()) for name in PLAIN}))
    with pytest.raises(parquet.UnreadableInput):
        parquet.text_columns(small)
    monkeypatch.setattr(parquet, "_bounded_table", lambda data: pq.read_table(io.BytesIO(data)))
    assert len(parquet.text_columns(small)["note"]) == 250_000


@pytest.mark.parametrize("kept_as_dictionary", [True, False])
def test_an_honest_file_is_read(kept_as_dictionary: bool) -> None:
    """Values that repeat are no bomb."""
    columns = {name: pa.array([text] * 30) for name, text in PLAIN.items()}
    columns["device"] = pa.array([f"D{n}" for n in range(30)])
    if kept_as_dictionary:
        columns["note"] = columns["note"].dictionary_encode()
    found = read_bytes(readings(format="parquet", increasing=None), written(pa.table(columns)))
    assert verdicts(found) == ["accepted"] * 30
