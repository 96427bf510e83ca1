"""Where the demo's input comes from: the order that INTERFACE names."""

import socket

import pytest

from lakehouse.cli import demo_input
from lakehouse.cli.demo_input import choose_source
from lakehouse.cli.home_lock import hold_home
from lakehouse.cli.ui import require_free_port
from lakehouse.errors import Unavailable, UnreadableInput, WrongUse


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A project with ../shared/data beside it."""
    (tmp_path / "shared" / "data").mkdir(parents=True)
    monkeypatch.setattr(demo_input, "PROJECT", tmp_path / "project")
    monkeypatch.delenv("LIVINGLAB_SHARED", raising=False)
    return tmp_path / "shared" / "data"


def test_a_named_source_comes_first(beside, tmp_path):
    assert choose_source(tmp_path, None) == tmp_path


def test_shared_data_of_the_environment_come_before_those_beside_the_project(beside, tmp_path, monkeypatch):
    (tmp_path / "other" / "data").mkdir(parents=True)
    monkeypatch.setenv("LIVINGLAB_SHARED", str(tmp_path / "other"))

    assert choose_source(None, None) == tmp_path / "other" / "data"


def test_shared_data_beside_the_project_are_found(beside):
    assert choose_source(None, None) == beside


def test_without_any_people_are_generated(beside):
    beside.rmdir()

    assert choose_source(None, None) is None


def test_a_number_of_people_asks_for_generated_ones(beside):
    assert choose_source(None, 60) is None


def test_a_source_and_a_number_exclude_each_other(tmp_path):
    with pytest.raises(WrongUse, match="exclude each other"):
        choose_source(tmp_path, 60)


def test_a_source_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UnreadableInput, match="not a folder"):
        choose_source(tmp_path / "none", None)


def test_a_busy_port_names_the_option_that_helps():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]

        with pytest.raises(Unavailable, match=f"port {port} of 127.0.0.1 is in use") as refused:
            require_free_port(port)

    assert refused.value.remedy == f"livinglab ui --port {port + 1}"


def test_a_free_port_is_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    require_free_port(port)


def test_one_airflow_a_home(tmp_path):
    import subprocess
    import sys

    script = "import sys, pathlib\nfrom lakehouse.cli.home_lock import hold_home\n"
    script += "with hold_home(pathlib.Path(sys.argv[1])):\n    print('held')"
    with hold_home(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
        )

    assert "held" not in second.stdout
    assert "demo or the Airflow UI of this home is running" in second.stderr
