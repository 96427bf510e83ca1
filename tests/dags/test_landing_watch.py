"""The watcher of the drop zone: when it wakes a source DAG, when it waits, and what it tells."""

import asyncio
import os
import threading
from types import SimpleNamespace

import pytest

from livinglab_airflow.landing_files import LONGEST_BURST, DropZoneWatch, whole_files

pytestmark = pytest.mark.airflow

NAME = "P001-of-rosamunde.csv"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 5.0
        return self.now


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "walkers").mkdir()
    return tmp_path / "walkers"


@pytest.fixture
def watch(folder):
    return DropZoneWatch(folders=[folder], patterns=["*.csv"], clock=Clock())


def looks(watch, times=3):
    return [watch.look() for _ in range(times)]


def test_a_file_is_told_of_once_it_stands_still_and_then_no_more(watch, folder):
    (folder / NAME).write_text("1")

    assert looks(watch, 4) == [False, True, False, False]


def test_a_file_that_grows_is_waited_for(watch, folder):
    told = []
    for part in range(5):
        with (folder / NAME).open("a") as file:
            file.write(str(part))
        told.append(watch.look())

    assert told == [False] * 5
    assert watch.look()


def test_a_file_under_an_unfinished_name_is_no_file_until_it_is_renamed(folder):
    watch = DropZoneWatch(folders=[folder], patterns=["*"], clock=Clock())
    for name in (f"{NAME}.part", f"{NAME}.tmp", f".{NAME}.Ab3x"):
        (folder / name).write_text("1")
    before = looks(watch)
    (folder / f"{NAME}.part").rename(folder / NAME)

    assert before == [False] * 3
    assert looks(watch) == [False, True, False]


def test_a_burst_of_a_thousand_files_is_told_of_once(watch, folder):
    told = []
    for wave in range(10):
        for number in range(100):
            (folder / f"{wave}-{number}.csv").write_text("1")
        told.append(watch.look())
    told += looks(watch)

    assert told.count(True) == 1
    assert told[:10] == [False] * 10


def test_files_that_stand_still_do_not_wait_for_ever_for_one_that_does_not(watch, folder):
    (folder / NAME).write_text("1")
    told = []
    for number in range(60):
        (folder / "endless.csv").write_text("1" * number)
        told.append(watch.look())

    assert told.count(True) == 1
    assert told.index(True) * 5.0 <= LONGEST_BURST + 10


def test_files_that_were_taken_in_tell_nothing_and_new_ones_do(watch, folder):
    (folder / NAME).write_text("1")
    first = looks(watch, 2)
    (folder / NAME).unlink()
    gone = looks(watch, 2)
    (folder / NAME).write_text("1")

    assert (first, gone, looks(watch)) == ([False, True], [False, False], [False, True, False])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert looks(DropZoneWatch(folders=[tmp_path / "none"], patterns=["*"])) == [False] * 3


def test_what_is_no_file_neither_wakes_a_dag_nor_blinds_the_watcher(watch, folder):
    """A link to itself, one to nowhere, a pipe, a folder; the file beside them is told of."""
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "nowhere.csv").symlink_to(folder / "gone")
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()
    assert looks(watch) == [False, False, False]
    assert whole_files(sorted(folder.iterdir())) == ()
    (folder / NAME).write_text("1")
    assert looks(watch) == [False, True, False]


def test_only_the_patterns_of_the_contract_count(folder):
    (folder / "notes.txt").write_text("1")
    (folder / "study").mkdir()
    (folder / "study" / NAME).write_text("1")
    plain = DropZoneWatch(folders=[folder], patterns=["study/*.csv"], clock=Clock())

    assert looks(plain) == [False, True, False]


def test_a_task_leaves_a_file_that_is_being_written_for_the_next_run(folder, monkeypatch):
    """Landing deletes what it took from the drop zone: half a file would be the end of the other half."""
    still, growing = folder / NAME, folder / "growing.csv"
    for path in (still, growing, folder / "later.csv.part"):
        path.write_text("1")
    written = growing.stat().st_ctime_ns
    monkeypatch.setattr("livinglab_airflow.landing_files.time.time_ns", lambda: written)
    monkeypatch.setattr("livinglab_airflow.landing_files.time.sleep", lambda _: growing.write_text("12"))

    assert whole_files(sorted(folder.iterdir())) == (still,)


def test_files_that_have_lain_a_while_cost_no_wait(folder, monkeypatch):
    (folder / NAME).write_text("1")
    later = (folder / NAME).stat().st_ctime_ns + 10**10
    monkeypatch.setattr("livinglab_airflow.landing_files.time.time_ns", lambda: later)
    monkeypatch.setattr("livinglab_airflow.landing_files.time.sleep", lambda _: pytest.fail("it waited"))

    assert whole_files([folder / NAME]) == (folder / NAME,)


@pytest.fixture
def trigger(airflow_home, tmp_path, monkeypatch):
    """The trigger of `walkers` over a drop zone of its own, looking without pause."""
    from livinglab_airflow import landing_trigger

    monkeypatch.setenv("LIVINGLAB_HOME", str(tmp_path))
    monkeypatch.setattr(landing_trigger, "POLL_SECONDS", 0.01)
    (tmp_path / "landing" / "walkers").mkdir(parents=True)
    return landing_trigger.LandingTrigger(dataset="walkers", folders=["walkers"], patterns=["*.csv"])


async def first_event(trigger):
    async for event in trigger.run():
        return event
    return None


def test_the_trigger_fires_for_a_dropped_file_and_tells_no_name(trigger, tmp_path):
    drop = threading.Timer(0.05, (tmp_path / "landing" / "walkers" / NAME).write_text, ["1"])
    drop.start()
    event = asyncio.run(asyncio.wait_for(first_event(trigger), timeout=60))
    drop.join()

    assert event.payload == {"dataset": "walkers"}


def test_a_drop_zone_that_cannot_be_read_is_looked_at_again(trigger, tmp_path, monkeypatch):
    looked = []

    def refuse(self):
        looked.append(1)
        if len(looked) < 3:
            raise PermissionError(13, "no", str(tmp_path / NAME))
        return True

    monkeypatch.setattr(DropZoneWatch, "look", refuse)
    said = []
    log = SimpleNamespace(warning=lambda *words: said.append(words))
    monkeypatch.setattr(type(trigger), "log", log)

    assert asyncio.run(asyncio.wait_for(first_event(trigger), timeout=60)) is not None
    assert len(said) == 1
    assert NAME not in repr(said)


def test_what_airflow_keeps_of_a_trigger_makes_the_same_one(trigger):
    from airflow._shared.module_loading import import_string

    path, kept = trigger.serialize()

    assert import_string(path)(**kept).serialize() == (path, kept)
    assert kept == {"dataset": "walkers", "folders": ["walkers"], "patterns": ["*.csv"]}


def test_an_event_of_the_watcher_queues_the_source_dag_and_nothing_else(expectations):
    """From the DAG file through Airflow's tables: watcher, event, queue."""
    from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel
    from airflow.models.trigger import Trigger
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from dag_database import sync_dags
    from sqlalchemy import delete, select

    sync_dags()
    with create_session() as session:
        session.execute(delete(AssetDagRunQueue))
        [watching] = [
            row for row in session.scalars(select(Trigger)) if row.classpath.endswith("LandingTrigger")
        ]
        assert watching.kwargs == {"dataset": "walkers", "folders": ["walkers"], "patterns": ["*.csv"]}
        trigger_id = watching.id
    for _ in range(3):
        Trigger.submit_event(trigger_id=trigger_id, event=TriggerEvent({"dataset": "walkers"}))
    with create_session() as session:
        queued = session.scalars(select(AssetDagRunQueue.target_dag_id)).all()
        told = session.scalars(
            select(AssetEvent.extra).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.name == "landing.walkers")
        ).all()  # fmt: skip
        session.execute(delete(AssetDagRunQueue))

    assert queued == ["source_walkers"]
    assert told[-1] == {"from_trigger": True, "payload": {"dataset": "walkers"}}
