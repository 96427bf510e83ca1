"""When a part of the UI dies, all others are ended, even if the command that hears of it asks for the end."""

import subprocess
import sys
from pathlib import Path

DYING = """
import os, signal, sys, time
from livinglab_airflow import run_ui

def die(*_):
    raise run_ui.ComponentDiedError("scheduler")

def end_all(_running):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    print("all ended")

class Silent:
    def __init__(self, number): pass
    def send(self, *_, **__): pass

run_ui._start_witnesses, run_ui.stop_all, run_ui.EventPipe = die, end_all, Silent
run_ui.stop_with_parent = lambda _number: None
if sys.argv[2:] == ["broken"]:
    run_ui._ignore_requests = lambda: None
sys.exit(run_ui.main(["--home", sys.argv[1], "--events", "1"]))
"""


def ended(home: Path, *variant: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", DYING, str(home), *variant]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_request_to_end_does_not_cut_the_ending_short(tmp_path: Path) -> None:
    """The broken variant leaves what it had started running."""
    assert ended(tmp_path).stdout == "all ended\n"
    assert "all ended" not in ended(tmp_path, "broken").stdout
