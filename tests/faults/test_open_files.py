"""A process that may open no more files: a table that cannot be opened for that is not called damaged."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.adapters.delta_log import open_table, read_version
from lakehouse.errors import Damaged

PROGRAM = """
import os, resource, sys
from pathlib import Path
from lakehouse.adapters import delta_log
from lakehouse.cli.failures import explain_failure

table = Path(sys.argv[1])
opened = delta_log.open_table(table, 0)
if sys.argv[2] == "full rows":
    delta_log.open_table = lambda *_: opened
if sys.argv[2].startswith("full"):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
else:
    (table / "_delta_log" / f"{0:020d}.json").write_text("{")
found = "nothing"
try:
    delta_log.read_version(table, 0)
except Exception as error:
    found = explain_failure(error)
os.closerange(3, 64)
print(getattr(found, "code", found))
"""


def what_is_said(folder: Path, fault: str) -> str:
    table = folder / "gold" / "people"
    write_deltalake(table, pa.table({"people": [10]}))
    command = [sys.executable, "-c", PROGRAM, str(table), fault]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("fault", ["full", "full rows"])
def test_too_many_open_files_are_no_damage(tmp_path: Path, fault: str) -> None:
    """Neither where the log cannot be opened nor, once it was, the rows."""
    assert what_is_said(tmp_path, fault) == "UNAVAILABLE"


def test_half_a_commit_is(tmp_path: Path) -> None:
    """The control: the same table with a commit cut short."""
    assert what_is_said(tmp_path, "half") == "DAMAGED"


def test_bytes_that_are_no_parquet_are(tmp_path: Path) -> None:
    """pyarrow calls them an OSError too, one without a number of the system's."""
    write_deltalake(tmp_path / "people", pa.table({"people": [10]}))
    (file,) = (tmp_path / "people").glob("*.parquet")
    packed = bytearray(file.read_bytes())
    packed[8:40] = bytes(32)
    file.write_bytes(packed)
    with pytest.raises(Damaged, match="cannot be read"):
        read_version(tmp_path / "people", 0)


@pytest.mark.parametrize("version", [-1, 1, 2**63 - 1, 2**70])
def test_a_version_that_is_not_there_is_said_at_once(tmp_path: Path, version: int) -> None:
    """deltalake would count up to it, for ever, even where a stranger's folder has a file of that number."""
    write_deltalake(tmp_path / "people", pa.table({"people": [10]}))
    if version == 2**63 - 1:
        (tmp_path / "people" / "_delta_log" / f"{version:020d}.json").write_text("{}")
    with pytest.raises(Damaged, match="cannot be opened at version"):
        open_table(tmp_path / "people", version)
