"""A process that may open no more files: a table that cannot be opened for that is not called damaged."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

PROGRAM = """
import os, resource, sys
from pathlib import Path
from lakehouse.adapters.delta_log import open_table
from lakehouse.cli.failures import explain_failure

table = Path(sys.argv[1])
open_table(table, 0)
if sys.argv[2] == "full":
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
    open_table(table, 0)
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


def test_too_many_open_files_are_no_damage(tmp_path: Path) -> None:
    assert what_is_said(tmp_path, "full") == "UNAVAILABLE"


def test_half_a_commit_is(tmp_path: Path) -> None:
    """The control: the same table with a commit cut short."""
    assert what_is_said(tmp_path, "half") == "DAMAGED"
