"""Rows in portions say what they say as a whole: the same leaves, the same repeats."""

import os

import numpy as np
import pyarrow as pa
import pytest

from lakehouse.adapters import private_folders, spooled_rows
from lakehouse.adapters.arrow_rows import content_leaves
from lakehouse.adapters.seen_keys import SeenKeys, row_keys
from lakehouse.adapters.spooled_rows import RowSpool, SpooledRows

PLACE = ("batch", "file", "row")


def some_rows(count):
    """Rows of ten people and of nobody, as bronze has them."""
    people = [os.urandom(16).hex() for _ in range(10)] + [None]
    return pa.table(
        {
            "subject": pa.array([people[n % 11] for n in range(count)], pa.string()),
            "batch": pa.array([1] * count),
            "file": pa.array([1] * count),
            "row": pa.array(range(count)),
            "name__sealed": pa.array([os.urandom(8) for _ in range(count)], pa.binary()),
        }
    )


def leaves_of(rows):
    names = {name or "" for name in rows.column("subject").unique().to_pylist()}
    keys = {name: name.encode().ljust(32, b"0")[:32] for name in names}
    return content_leaves(rows, PLACE, table="bronze.x", intents=dict.fromkeys(names, "i"), digest_keys=keys)


@pytest.fixture
def spooled(tmp_path, monkeypatch):
    monkeypatch.setattr(spooled_rows, "PORTION_ROWS", 100)
    rows = some_rows(950)
    with RowSpool(tmp_path / "x.parquet", rows.schema) as spool:
        for start in range(0, len(rows), 190):
            spool.add(rows.slice(start, 190))
    return rows, spool.ended()


def test_many_rows_stay_a_file_and_give_the_leaves_of_the_whole(spooled):
    rows, made = spooled
    assert isinstance(made, SpooledRows)
    portions = list(made.by_person())
    assert len(portions) > 1
    leaves = {}
    for portion in portions:
        own = leaves_of(portion)
        assert not leaves.keys() & own.keys()
        leaves |= own
    assert leaves == leaves_of(rows)


def test_portions_by_place_instead_of_by_person_are_caught(spooled):
    """The broken variant cuts a person's rows in two: the leaves are others."""
    rows, _ = spooled
    halves = leaves_of(rows.slice(0, 475)) | leaves_of(rows.slice(475))
    assert halves != leaves_of(rows)


def test_a_spool_that_fails_leaves_no_file(tmp_path):
    path = tmp_path / "x.parquet"
    with pytest.raises(RuntimeError), RowSpool(path, some_rows(1).schema):
        raise RuntimeError("killed")
    assert not path.exists()


def test_keys_are_found_again_in_this_call_and_in_earlier_ones():
    rows = pa.table(
        {"subject": ["a", "b", None, "a", None], "day": [1.5, None, 1.5, 1.5, 1.5], "n": [1, 1, 1, 1, 1]}
    )
    seen = SeenKeys()
    keys = row_keys(rows, ["subject", "day", "n"])
    assert seen.repeated(keys).tolist() == [False, False, False, True, True]
    assert bool(np.all(seen.repeated(keys)))
    assert not len(seen.repeated(row_keys(rows.slice(0, 0), ["subject", "day", "n"])))


def test_a_private_folder_is_gone_with_its_block(tmp_path):
    """On an error too; one that was cleared between its making and its lock is not taken for held."""
    with pytest.raises(RuntimeError), private_folders.private_folder(tmp_path / "work") as folder:
        (folder / "x").write_bytes(b"sealed")
        assert folder.stat().st_mode & 0o077 == 0
        raise RuntimeError
    assert list((tmp_path / "work").iterdir()) == []
    assert private_folders.clear_abandoned(tmp_path / "work") == 0


def test_a_folder_cleared_before_its_owner_holds_it_is_made_again(tmp_path, monkeypatch):
    make = private_folders.tempfile.mkdtemp
    made = []

    def made_and_cleared(**named):
        made.append(make(**named))
        if len(made) == 1:
            private_folders.clear_abandoned(tmp_path)
        return made[-1]

    monkeypatch.setattr(private_folders.tempfile, "mkdtemp", made_and_cleared)
    with private_folders.private_folder(tmp_path) as folder:
        assert folder.is_dir() and str(folder) == made[1]
