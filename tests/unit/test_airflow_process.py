"""A background process tells what happened; what it tells becomes our errors."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lakehouse.cli import airflow_process
from lakehouse.cli.airflow_process import airflow_events, ended_early, failure_of
from lakehouse.errors import BudgetExhausted, ContractError, LivingLabError, NotReady, Unavailable

LOG = Path("airflow/logs/demo.log")

CHILD = """
import argparse, json, os, sys
from livinglab_airflow.events import EventPipe, stop_with_parent
parser = argparse.ArgumentParser()
parser.add_argument("--events", type=int)
parser.add_argument("words", nargs="*")
options = parser.parse_args()
pipe = EventPipe(options.events)
stop_with_parent()
print("noise of Spark")
pipe.send("started", pid=os.getpid())
if "wait" in options.words:
    import time
    time.sleep(600)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Let `-m livinglab_airflow.child` be a small process of ours."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    real = subprocess.Popen

    def popen(command, **options):
        started = real([sys.executable, str(script), *command[3:]], **options)
        started.kill = lambda: pytest.fail("it did not end of itself")
        return started

    monkeypatch.setattr(airflow_process.subprocess, "Popen", popen)
    return tmp_path / "logs" / "child.log"


def test_events_arrive_and_noise_goes_to_the_log(child):
    with airflow_events("child", [], child) as events:
        told = list(events)

    assert [event["event"] for event in told] == ["started"]
    assert child.read_text() == "noise of Spark\n"
    assert child.stat().st_mode & 0o777 == 0o600


def test_leaving_ends_the_process(child):
    """It has ended when the block has; of itself it would wait for ten minutes."""
    with airflow_events("child", ["wait"], child, stop_seconds=300) as events:
        pid = next(events)["pid"]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_refusal_of_a_task_is_the_error_it_was():
    refusal = {"code": "BUDGET_EXHAUSTED", "message": "left 0.2", "remedy": "ask for less", "short": "0.3"}
    error = failure_of({"event": "failed", "dag": "publish_x", "refusal": refusal}, LOG)

    assert type(error) is BudgetExhausted
    assert error.as_json() == refusal
    assert error.exit_code == 4


def test_a_contract_error_keeps_its_fields():
    original = ContractError("bronze/x.toml", "format", "is not known", allowed=("csv",))
    error = failure_of({"event": "failed", "dag": "source_x", "refusal": original.as_json()}, LOG)

    assert type(error) is ContractError
    assert error.as_json() == original.as_json()


def test_a_full_disk_is_told_as_one():
    fault = {"code": "FAULT", "message": "OSError at land.py:7", "errno": errno.ENOSPC}
    error = failure_of({"event": "failed", "dag": "source_x", "refusal": fault}, LOG)

    assert isinstance(error, OSError)
    assert error.errno == errno.ENOSPC


def test_a_fault_names_the_dag_and_its_log():
    error = failure_of({"event": "failed", "dag": "source_x", "refusal": None}, LOG)

    assert type(error) is LivingLabError
    assert "source_x failed" in error.message
    assert str(LOG) in error.remedy


def test_without_airflow_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(airflow_process, "_installed", lambda: False)

    with pytest.raises(NotReady, match="Airflow is not installed"), airflow_events("child", [], LOG):
        pass


@pytest.mark.parametrize(
    ("free", "exit_code"), [(0, Unavailable.exit_code), (2**30, LivingLabError.exit_code)]
)
def test_a_process_that_ended_without_a_word_on_a_full_disk(free, exit_code, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))

    assert ended_early("Airflow ended", tmp_path / "demo.log").exit_code == exit_code
