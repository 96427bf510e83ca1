"""An outbox of lineage that is damaged, full or a pipe: said in a sentence, and no write fails for it."""

import errno
import json
import os
from dataclasses import replace

import pytest
from home_samples import make_home

from lakehouse.adapters.lineage_settings import LineageSettings
from lakehouse.pipeline import lineage_outbox
from lakehouse.pipeline.lineage_outbox import emit_lineage, waiting_lineage
from lakehouse.pipeline.settle import settle_head


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site whose lineage goes to a file."""
    home = make_home(tmp_path, monkeypatch)
    return replace(home, lineage=LineageSettings(file=tmp_path / "out" / "lineage.ndjson"))


def _broken_memory(content):
    def break_it(folder):
        folder.mkdir()
        (folder / "sent.json").write_bytes(content)

    return break_it


BROKEN_OUTBOX = {
    "a file in its place": lambda folder: folder.write_text("in the way"),
    "a folder in place of the memory": lambda folder: (folder / "sent.json").mkdir(parents=True),
    "a memory without an end": _broken_memory(b'{"leaf": Infinity, "target": "x"}'),
    "a memory that nests": _broken_memory(b"[" * 100_000),
    "a failure that is none": lambda folder: (folder / "failed" / "1.ndjson").mkdir(parents=True),
}


@pytest.mark.parametrize("break_it", BROKEN_OUTBOX.values(), ids=BROKEN_OUTBOX)
def test_a_broken_outbox_is_said_and_stops_no_write(site, break_it):
    """The version is signed already; its cosignatures, which come next, are asked for."""
    break_it(site.home.place("lineage"))
    said = []
    settle_head(site, said.append)

    assert len(said) == 1 and "lineage waits" in said[0]


def test_a_full_disk_under_the_outbox_is_said_and_stops_no_write(site, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lineage_outbox, "write_durably", full)
    said = []
    settle_head(site, said.append)

    assert len(said) == 1 and "No space left" in said[0]


def test_a_memory_of_less_than_nothing_begins_anew(site):
    site.home.place("lineage").mkdir()
    memory = {"leaf": -3, "target": site.lineage.target}
    site.home.place("lineage", "sent.json").write_text(json.dumps(memory))

    assert waiting_lineage(site) == site.log.size()


def test_a_pipe_in_place_of_the_file_holds_nothing_up(site, tmp_path):
    """Whether or not somebody reads from it."""
    site.lineage.file.parent.mkdir()
    os.mkfifo(site.lineage.file)
    said = []
    emit_lineage(site, said.append)
    reader = os.open(site.lineage.file, os.O_RDONLY | os.O_NONBLOCK)
    emit_lineage(site, said.append)
    os.close(reader)

    assert ["cannot be written" in own for own in said] == [True, True]
