"""The event log: what a command leaves in it, what it never holds, and that it stops no work."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from home_samples import make_home

from lakehouse.adapters import event_logging
from lakehouse.adapters.event_logging import EventFile, EventLog, bound_events, parse_log_mode
from lakehouse.cli.main import run
from lakehouse.errors import WrongUse
from lakehouse.pipeline.site import Site
from livinglab_airflow.task_events import task_events


def events_of(home: Path) -> list[dict[str, object]]:
    """Return the events of a home, oldest first."""
    file = home / event_logging.FOLDER / event_logging.FILE
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_command_says_that_it_began_and_how_it_ended(
    open_home: Callable[..., Site], capsys: pytest.CaptureFixture[str]
) -> None:
    home = open_home().home.path
    assert run(["--home", str(home), "quarantine", "nothing"]) == 2
    began, ended = events_of(home)
    assert (began["event"], ended["event"]) == ("command_began", "command_ended")
    assert began["verb"] == ended["verb"] == "quarantine" and began["call"] == ended["call"]
    assert (ended["exit_code"], ended["error"]) == (2, "WRONG_USE")
    assert capsys.readouterr().err.count("\n") == 2, "the log is quiet on a terminal"


def test_a_signed_version_is_told_with_its_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_home(tmp_path, monkeypatch)
    told = [event for event in events_of(site.home.path) if event["event"] == "version_signed"]
    assert [(event["verb"], event["table"], event["version"]) for event in told] == [
        ("land", "bronze.gait_people", 0),
        ("land", "bronze.gait_people", 1),
        ("publish", "gold.gait_by_cohort", 0),
    ]
    kinds = [event["kind"] for event in events_of(site.home.path) if event["event"] == "record_logged"]
    assert kinds == ["decision", "answer", "model"]


def test_nothing_but_names_digests_and_ids_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that a person named after somebody, a file's name, a sentence: withheld."""
    log = EventLog(tmp_path)
    for text in ("manual for Anna Meier", "GaPt03_01.txt", "GaPt03", "x" * 200, "line\nbreak", "é"):
        log.write("tried", table=text)
    log.write("tried", **{"person": "anna", "table": "silver.patients"})  # type: ignore[typeddict-unknown-key]
    assert [event.get("table") for event in events_of(tmp_path)] == ["withheld"] * 6 + ["silver.patients"]
    assert "anna" not in str(events_of(tmp_path)).lower()
    monkeypatch.setattr(event_logging, "_passed", lambda value: value)
    log.write("tried", table="GaPt03")
    assert "GaPt03" in str(events_of(tmp_path)), "the broken variant lets it through"


def test_what_is_bound_ends_with_its_run(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    with bound_events(dag="sources", run="11111111-2222-5333-8444-555555555555"):
        log.write("inside", seconds=1.23456)
    log.write("outside")
    inside, outside = events_of(tmp_path)
    assert (inside["dag"], inside["seconds"]) == ("sources", 1.235)
    assert outside.keys() == {"time", "event"}


def test_a_log_that_cannot_be_written_is_said_once_and_stops_nothing(
    open_home: Callable[..., Site], capsys: pytest.CaptureFixture[str]
) -> None:
    site = open_home()
    (site.home.path / event_logging.FOLDER).write_text("a file where the folder should be")
    broken = replace(site, events=EventLog(site.home.path))
    for _ in range(3):
        broken.events.write("tried")
    assert capsys.readouterr().err.count("event log") == 1


def test_a_log_that_is_a_link_or_a_pipe_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the link leads to stays as it is; a pipe that nobody reads holds nothing up."""
    (tmp_path / "theirs").write_text("theirs\n")
    file = tmp_path / event_logging.FOLDER / event_logging.FILE
    file.parent.mkdir()
    file.symlink_to(tmp_path / "theirs")
    EventLog(tmp_path).write("tried")
    assert (tmp_path / "theirs").read_text() == "theirs\n"
    following = event_logging.APPENDING & ~os.O_NOFOLLOW
    with monkeypatch.context() as broken:
        broken.setattr(event_logging, "APPENDING", following)
        EventLog(tmp_path).write("tried")
    assert "tried" in (tmp_path / "theirs").read_text(), "the broken variant writes into it"
    file.unlink()
    os.mkfifo(file)
    EventLog(tmp_path).write("tried")
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    EventLog(tmp_path).write("tried")
    os.close(reader)
    assert capsys.readouterr().err.count("event log") == 3


def test_json_events_go_to_stderr_too_and_off_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    EventLog(tmp_path, "json").write("tried")
    assert json.loads(capsys.readouterr().err)["event"] == "tried" and len(events_of(tmp_path)) == 1
    EventLog(tmp_path, parse_log_mode("off")).write("tried")
    assert len(events_of(tmp_path)) == 1
    with pytest.raises(WrongUse, match="LIVINGLAB_LOG"):
        parse_log_mode("loud")


def _append(path: Path, name: str) -> None:
    for number in range(200):
        EventFile(path, largest=4000, kept=50).msg(json.dumps({"by": name, "number": number}))


def test_two_processes_lose_no_line_while_files_are_set_aside(tmp_path: Path) -> None:
    """400 lines of two writers over files of 4 kB; all files are for the owner alone."""
    path = tmp_path / "events.jsonl"
    context = get_context("spawn")
    writers = [context.Process(target=_append, args=(path, name)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    files = sorted(tmp_path.glob("events.jsonl*"))
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(files) > 2 and len({(line["by"], line["number"]) for line in lines}) == 400
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl", largest=10, kept=2)
    for number in range(9):
        file.msg(f"number {number:04}")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "events.jsonl.1": "number 0008\n",
        "events.jsonl.2": "number 0007\n",
    }


def test_a_task_is_told_with_the_code_that_ended_it(
    open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_home().home.path
    monkeypatch.setenv("LIVINGLAB_HOME", str(home))
    with task_events("refine"):
        pass
    with pytest.raises(WrongUse), task_events("refine"):
        raise WrongUse("nothing has landed")
    told = [(event["event"], event["verb"], event.get("error")) for event in events_of(home)]
    began, ended = ("task_began", "refine", None), ("task_ended", "refine", None)
    assert told == [began, ended, began, ("task_ended", "refine", "WRONG_USE")]
