"""Private folders of one call: 0700, gone at the end, cleared after a kill."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lakehouse.adapters.private_folder import private_folder, remove_abandoned

LEAVE_BEHIND = """
import os
from lakehouse.adapters.private_folder import private_folder
with private_folder("livinglab-test-") as place:
    (place / "rows.json").write_text("[1]")
    print(place, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def own_temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_the_folder_is_private_and_goes():
    """Nobody else reads it, nothing of it stays."""
    with private_folder("livinglab-test-") as place:
        assert place.stat().st_mode & 0o777 == 0o700
        (place / "inner").mkdir()
    assert not place.exists()


def test_it_goes_after_an_error_too():
    """The error comes through."""
    with pytest.raises(RuntimeError), private_folder("livinglab-test-") as place:
        raise RuntimeError
    assert not place.exists()


def test_a_killed_owner_is_cleared_up_after_at_the_next_start():
    """The system lifts the lock of a process that ended."""
    run = subprocess.run([sys.executable, "-c", LEAVE_BEHIND], capture_output=True, text=True, check=False)
    left = Path(run.stdout.strip())
    assert (left / "rows.json").exists()
    with private_folder("livinglab-test-") as place:
        assert not left.exists()
        assert place.exists()


def test_a_living_owner_keeps_its_folder():
    """Two calls at once do not take each other's folder."""
    with private_folder("livinglab-test-") as mine, private_folder("livinglab-test-") as other:
        assert mine.exists()
        assert other != mine
        assert remove_abandoned("livinglab-test-") == 0


def test_a_link_of_the_same_name_is_left_alone(tmp_path):
    """Another account could lead us to remove something else."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "livinglab-test-link").symlink_to(tmp_path / "precious")
    assert remove_abandoned("livinglab-test-") == 0
    assert (tmp_path / "precious").exists()
