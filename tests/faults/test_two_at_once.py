"""Two processes at once on one home: it is made once, and a second demo says that the first one runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from lakehouse.cli import demo
from lakehouse.cli.main import run
from lakehouse.sites import open_site

MAKE = """
import sys
from pathlib import Path
from lakehouse.sites import open_site
print(open_site(None, Path(sys.argv[1]), create=True).home.id)
"""
HOLD = """
import sys
from pathlib import Path
from lakehouse.cli.home_lock import hold_home
with hold_home(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    return tmp_path / "home"


@pytest.fixture
def running_demo(home: Path) -> Iterator[None]:
    """Another process holds the home as a demo does."""
    open_site(None, home, create=True)
    command = [sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


def test_an_empty_home_is_made_once(home: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(home)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    made = {process.communicate()[0].strip() for process in started}
    assert made == {open_site(None, home).home.id}
    assert [folder.name for folder in (home.parent / "keys").iterdir()] == list(made)


@pytest.mark.usefixtures("running_demo")
def test_a_second_demo_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--people", "10", "--json", "--home", str(home)]) == 7
    said = json.loads(capsys.readouterr().out)["error"]
    assert said["message"] == "a demo or the Airflow UI of this home is running"


@pytest.mark.usefixtures("running_demo")
def test_without_the_lock_it_would_begin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant."""
    begun = []
    monkeypatch.setattr(demo, "hold_home", nullcontext)
    monkeypatch.setattr(demo, "_main_job", lambda *_job: begun.append(1) or {"verified": False})
    monkeypatch.setattr(demo, "show_summary", lambda *_said: None)
    run(["demo", "--people", "10", "--home", str(home)])
    assert begun == [1]
