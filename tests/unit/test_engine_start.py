"""What is said where Spark's Java is missing, before anything is begun."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lakehouse.adapters.java import check_java
from lakehouse.adapters.spark_session import Engine, require_engine
from lakehouse.cli.main import run
from lakehouse.errors import NotReady

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def no_java(tmp_path, monkeypatch):
    """A machine without Java: nothing on the path but bash."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").symlink_to(shutil.which("bash"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def test_a_demo_without_java_begins_nothing(no_java, monkeypatch, capsys):
    home = no_java / "home"
    monkeypatch.delenv("LIVINGLAB_SPARK", raising=False)

    assert run(["--home", str(home), "demo", "--people", "10"]) == NotReady.exit_code
    assert "Java was not found" in capsys.readouterr().err
    assert not home.exists()


def test_the_java_that_spark_starts_is_the_one_of_java_home(no_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(no_java / "gone"))

    with pytest.raises(NotReady, match="JAVA_HOME"):
        check_java()


@pytest.mark.parametrize(("version", "code"), [("17.0.15", 0), ("21", 0), ("1.8.0_401", 3), ("11.0.2", 3)])
def test_setting_up_needs_java_17_or_21(no_java, version, code):
    java = no_java / "bin" / "java"
    java.write_text(f"#!{shutil.which('bash')}\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    done = subprocess.run(
        ["bash", str(PROJECT / "infra" / "setup" / "java.sh")], capture_output=True, text=True, check=False
    )

    assert done.returncode == code


def test_a_shared_engine_needs_no_java_here(no_java):
    require_engine(Engine(master="sc://localhost:15002", jars=no_java))


def test_setting_up_without_java_stops_before_anything_is_fetched(no_java):
    done = subprocess.run(
        ["bash", str(PROJECT / "infra" / "setup" / "java.sh")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Java was not found; Spark needs Java 17 or 21: sudo apt-get install")
