"""A home of an earlier format is upgraded once, whole, and only where it is sound."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from earlier_homes import fixture_of, unpack_home

from lakehouse.adapters.registry_schema import ADDED, DROPPED, REGISTRY, tables_of
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.cli.main import run
from lakehouse.core.home_format import FORMAT
from lakehouse.pipeline import upgrade as upgrading

TABLES_OF_FORMAT_1 = {
    "answers", "batch_files", "batches", "charges", "checkpoints", "content_leaves", "cosignatures",
    "decisions", "entries", "intents", "models", "records", "releases", "time_stamps", "versions",
}  # fmt: skip


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return unpack_home(1, tmp_path, monkeypatch)


@pytest.fixture
def say(old: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run a command on the old home and return its code and document."""

    def said(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run(["--home", str(old), "--json", *words])
        return code, json.loads(capsys.readouterr().out)

    return said


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "registry.db")) as link, link:
        link.execute(statement)


@pytest.mark.parametrize("command", [["status"], ["fsck"], ["log"], ["tables"]])
def test_an_older_home_says_upgrade(say, command):
    """Exit 3: the site is not ready."""
    code, said = say(*command)
    assert (code, said["error"]["remedy"]) == (3, "livinglab upgrade")


def test_a_newer_home_says_update(old, say):
    """Software of yesterday opens and upgrades nothing of tomorrow's."""
    identity = json.loads((old / "home.json").read_text())
    (old / "home.json").write_text(json.dumps({**identity, "format": FORMAT + 1}))
    for command in ("status", "upgrade"):
        code, said = say(command)
        assert (code, "update LivingLab" in said["error"]["remedy"]) == (3, True)


@pytest.mark.parametrize("number", ["2", 2.0, True, None])
def test_a_format_that_is_no_number_is_damage(old, say, number):
    identity = json.loads((old / "home.json").read_text())
    (old / "home.json").write_text(json.dumps({**identity, "format": number}))
    assert say("status")[0] == 6


def test_an_upgraded_home_is_clean_and_what_it_proved_still_holds(old, say):
    """The log is the one before: the proof given out under format 1 verifies, and so does a new one."""
    before = (old / "registry" / "checkpoint").read_bytes()
    code, said = say("upgrade")
    assert (code, said["before"], said["after"], said["repeated"]) == (0, 1, FORMAT, False)
    assert (old / "registry" / "checkpoint").read_bytes() == before
    assert say("fsck") == (0, {"tables": 2, "versions": 3, "findings": [], "clean": True})
    trust = ("--trust", str(old / "registry" / "trust.json"))
    assert say("verify", str(fixture_of(1) / "proof.json"), *trust)[1]["verified"]
    assert say("prove", "gold.gait_by_cohort", "-o", str(old.parent / "new.json"))[0] == 0
    assert say("verify", str(old.parent / "new.json"), *trust)[1]["verified"]


def test_an_upgrade_twice_does_nothing_the_second_time(old, say):
    say("upgrade")
    assert say("upgrade") == (0, {"before": FORMAT, "after": FORMAT, "steps": [], "repeated": True})
    assert not list(old.glob("before-format-*"))


def test_databases_are_copied_behind_no_link(old, say, tmp_path):
    """Their place is a link to somebody's folder: nothing is written or removed there."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "vault.db").write_text("theirs")
    (old / f"before-format-{FORMAT}").symlink_to(tmp_path / "theirs")
    assert say("upgrade")[0] == 6
    assert (tmp_path / "theirs" / "vault.db").read_text() == "theirs"


def test_a_killed_upgrade_goes_on(old, say, monkeypatch):
    """Killed when the tables stand and home.json says nothing of it yet; the copies stay until it ends."""
    written = upgrading.write_identity
    monkeypatch.setattr(upgrading, "write_identity", lambda _home: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(["--home", str(old), "upgrade"]) == 130
    assert {path.name for path in old.glob(f"before-format-{FORMAT}/*")} == {"registry.db", "vault.db"}
    assert say("status")[0] == 3
    monkeypatch.setattr(upgrading, "write_identity", written)
    assert say("upgrade")[0] == 0
    assert say("fsck")[1]["clean"]


LOST = [
    "UPDATE answers SET receipt = 'another'",
    "DELETE FROM charges",
    "DROP TABLE charges",
    "CREATE TRIGGER t AFTER INSERT ON charges BEGIN DELETE FROM charges; END",
]


@pytest.mark.parametrize("statement", LOST)
def test_rows_that_somebody_changed_are_not_carried_over(old, say, statement):
    """A lost table made anew would be sealed empty, and the budget spent would be forgotten."""
    change(old, statement)
    code, _ = say("upgrade")
    assert (code, json.loads((old / "home.json").read_text()).get("format")) == (6, None)


def test_the_broken_variant_that_makes_every_table_anew_is_caught(old, monkeypatch):
    """Positive control: without the check, a dropped table of charges would come back sealed and empty."""
    change(old, "DROP TABLE charges")
    change(old, "DELETE FROM table_seals WHERE name = 'charges'")
    monkeypatch.setattr(upgrading, "_require_sound", lambda *_: None)
    real = SqlRegistry.change_tables

    def make_every_table(registry: SqlRegistry, added: Any, dropped: Any, carry: Any) -> None:
        real(registry, added, dropped, carry)
        if added == ADDED[FORMAT]:
            registry.create()

    monkeypatch.setattr(SqlRegistry, "change_tables", make_every_table)
    assert run(["--home", str(old), "upgrade"]) == 0
    with closing(sqlite3.connect(old / "registry.db")) as link:
        assert link.execute("SELECT count(*) FROM charges").fetchone() == (0,)


def test_a_home_in_use_is_not_upgraded(old, say, monkeypatch):
    """Somebody else signs: exit 7, and nothing was changed."""
    import filelock

    (old / "locks").mkdir(mode=0o700)
    monkeypatch.setattr(upgrading, "WAIT_SECONDS", 0.0)
    with filelock.FileLock(old / "locks" / "log.lock"):
        assert say("upgrade")[0] == 7
    assert say("upgrade")[0] == 0


def test_every_table_belongs_to_a_format():
    """A table added without a format would be missing in homes that are there: name it in ADDED.

    Each format adds one at least, because the tables that are there say how far a killed upgrade came.
    """
    assert set(tables_of(1)) == TABLES_OF_FORMAT_1
    assert set(tables_of(FORMAT)) == set(REGISTRY)
    assert set(ADDED) == set(upgrading.MIGRATIONS) == set(range(2, FORMAT + 1)) >= set(DROPPED)


def test_the_upgraded_schema_is_that_of_a_new_home(old, say, tmp_path, open_home):
    """Whatever the way, the databases have the same tables."""
    say("upgrade")
    shutil.move(old, tmp_path / "upgraded")
    open_home("new")
    for name in ("registry.db", "vault.db"):
        schemas = []
        for home in ("upgraded", "new"):
            with closing(sqlite3.connect(tmp_path / home / name)) as link:
                schemas.append(sorted(link.execute("SELECT type, name, sql FROM sqlite_master").fetchall()))
        assert schemas[0] == schemas[1]
