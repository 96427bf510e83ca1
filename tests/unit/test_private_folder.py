"""Private folders of one call: 0700, gone at the end, cleared after a kill."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lakehouse.adapters.private_folders import clear_abandoned, private_folder

LEAVE_BEHIND = """
import os
import tempfile
from pathlib import Path
from lakehouse.adapters.private_folders import private_folder
with private_folder(Path(tempfile.gettempdir()), "livinglab-test-") as place:
    (place / "rows.json").write_text("[1]")
    print(place, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def own_temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def new_folder():
    return private_folder(Path(tempfile.gettempdir()), "livinglab-test-")


def test_the_folder_is_private_and_goes():
    """Nobody else reads it, nothing of it stays."""
    with new_folder() as place:
        assert place.stat().st_mode & 0o777 == 0o700
        (place / "inner").mkdir()
    assert not place.exists()


def test_it_goes_after_an_error_too():
    """The error comes through."""
    with pytest.raises(RuntimeError), new_folder() as place:
        raise RuntimeError
    assert not place.exists()


def test_a_killed_owner_is_cleared_up_after_at_the_next_start():
    """The system lifts the lock of a process that ended."""
    run = subprocess.run([sys.executable, "-c", LEAVE_BEHIND], capture_output=True, text=True, check=False)
    left = Path(run.stdout.strip())
    assert (left / "rows.json").exists()
    assert clear_abandoned(Path(tempfile.gettempdir()), "livinglab-test-") == 1
    assert not left.exists()


def test_a_living_owner_keeps_its_folder():
    """Two calls at once do not take each other's folder."""
    with new_folder() as mine, new_folder() as other:
        assert mine.exists()
        assert other != mine
        assert clear_abandoned(Path(tempfile.gettempdir()), "livinglab-test-") == 0


def test_a_link_of_the_same_name_is_left_alone(tmp_path):
    """Another account could lead us to remove something else."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "livinglab-test-link").symlink_to(tmp_path / "precious")
    assert clear_abandoned(Path(tempfile.gettempdir()), "livinglab-test-") == 0
    assert (tmp_path / "precious").exists()
