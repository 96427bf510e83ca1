"""A home of an earlier format is upgraded once, whole, and only where it is sound."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from earlier_homes import PEOPLE_OF_FORMAT_2, fixture_of, unpack_home
from home_samples import bronze_rows, use_home

from lakehouse.adapters.registry_schema import ADDED, DROPPED, REGISTRY, tables_of
from lakehouse.adapters.sql_registry import SqlRegistry, Transaction
from lakehouse.adapters.vault import Vault
from lakehouse.cli.main import run
from lakehouse.core.home_format import FORMAT
from lakehouse.pipeline import upgrade as upgrading
from lakehouse.pipeline.writing import write_tables
from lakehouse.sites import open_site

TABLES_OF_FORMAT_1 = {
    "answers", "batch_files", "batches", "charges", "checkpoints", "content_leaves", "cosignatures",
    "decisions", "entries", "intents", "models", "records", "releases", "time_stamps", "versions",
}  # fmt: skip


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return unpack_home(1, tmp_path, monkeypatch)


@pytest.fixture
def say_to(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run a command on a home and return its code and document."""

    def said(home: Path, *words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run(["--home", str(home), "--json", *words])
        return code, json.loads(capsys.readouterr().out)

    return said


@pytest.fixture
def say(old: Path, say_to: Callable[..., tuple[int, dict[str, Any]]]) -> Callable[..., Any]:
    """Run a command on the home of format 1."""
    return partial(say_to, old)


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


@pytest.fixture
def format_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return unpack_home(2, tmp_path, monkeypatch)


def test_a_person_proves_after_the_upgrade_what_they_proved_before(format_2, say_to):
    """The receipt given out under format 2 verifies, the one of now holds the same rows and key."""
    trust = ("--trust", str(format_2 / "registry" / "trust.json"))
    before = fixture_of(2)
    assert say_to(format_2, "upgrade")[1]["after"] == FORMAT
    assert say_to(format_2, "fsck")[1] == {"tables": 2, "versions": 3, "findings": [], "clean": True}
    old_receipt = ("verify", str(before / "proof.json"), "--rows", str(before / "rows.json"))
    assert say_to(format_2, *old_receipt, *trust)[1]["verified"]
    for person in (PEOPLE_OF_FORMAT_2[0], PEOPLE_OF_FORMAT_2[-1]):
        files = [str(format_2.parent / name) for name in ("proof", "rows")]
        named = ("prove", "bronze.gait_people", "--person", person, "--system", "gaitpdb")
        assert say_to(format_2, *named, "-o", files[0], "--rows", files[1])[0] == 0
        assert say_to(format_2, "verify", files[0], "--rows", files[1], *trust)[1]["verified"]
        same = json.loads(Path(files[1]).read_text()) == json.loads((before / "rows.json").read_text())
        assert same == (person == PEOPLE_OF_FORMAT_2[0])


def test_after_an_upgrade_the_next_batch_lands(format_2, say_to, monkeypatch):
    """One of the first batch, one of the second and a new person: the others stand as they stood."""
    assert say_to(format_2, "upgrade")[0] == 0
    use_home(format_2.parent, monkeypatch)
    site = open_site()
    names = [PEOPLE_OF_FORMAT_2[0], PEOPLE_OF_FORMAT_2[-1], "SiPt01"]
    people = site.vault.subjects_for("gaitpdb", names)
    write_tables(site, verb="land", run_key="3", writes=[bronze_rows(list(people.values()), 3)])
    assert say_to(format_2, "fsck")[1]["clean"]


def test_each_leaf_keeps_its_person_and_its_intent(format_2, say_to):
    """24 people and the rows of nobody, one row each before; two of the people share a shard."""
    with closing(sqlite3.connect(format_2 / "registry.db")) as link:
        before = link.execute("SELECT pseudonym, leaf, intent_id FROM content_leaves").fetchall()
    assert say_to(format_2, "upgrade")[0] == 0
    with closing(sqlite3.connect(format_2 / "registry.db")) as link:
        rows = link.execute("SELECT shard, leaves FROM leaf_shards").fetchall()
    after = [
        (name, leaf, intent)
        for shard, leaves in rows
        for intent, people in json.loads(leaves).items()
        for name, leaf in people.items()
        if name[:2] == shard
    ]
    assert sorted(after) == sorted(before)
    assert (len(before), len(rows), len({intent for _, _, intent in before})) == (25, 24, 2)


def test_an_upgrade_killed_among_the_leaves_goes_on(format_2, say_to, monkeypatch):
    """The transaction is undone: every leaf is still a row, no shard is there, and the next one is whole."""
    added = upgrading.add_shards
    turns = iter(range(3))

    def killed(*what: Any) -> None:
        if next(turns) == 2:
            raise KeyboardInterrupt
        added(*what)

    monkeypatch.setattr(upgrading, "add_shards", killed)
    assert run(["--home", str(format_2), "upgrade"]) == 130
    with closing(sqlite3.connect(format_2 / "registry.db")) as link:
        assert link.execute("SELECT count(*) FROM content_leaves").fetchone() == (25,)
        assert not link.execute("SELECT name FROM sqlite_master WHERE name = 'leaf_shards'").fetchall()
    monkeypatch.setattr(upgrading, "add_shards", added)
    assert say_to(format_2, "upgrade")[1]["repeated"] is False
    assert say_to(format_2, "fsck")[1]["clean"]


def test_an_upgrade_killed_between_the_databases_goes_on(format_2, say_to, monkeypatch):
    """registry.db is of format 3 then, vault.db and home.json of format 2."""
    packed = Vault.pack_cells
    monkeypatch.setattr(Vault, "pack_cells", lambda _vault: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(["--home", str(format_2), "upgrade"]) == 130
    assert say_to(format_2, "status")[0] == 3
    monkeypatch.setattr(Vault, "pack_cells", packed)
    assert say_to(format_2, "upgrade")[1]["repeated"] is False
    assert say_to(format_2, "fsck")[1]["clean"]


def test_each_cell_keeps_its_members(format_2, say_to, monkeypatch):
    """A row a member before, a row a cell after; `cells_of` says what it said."""
    with closing(sqlite3.connect(format_2 / "vault.db")) as link:
        rows = link.execute("SELECT release_id, cell, pseudonym FROM cells").fetchall()
    assert say_to(format_2, "upgrade")[0] == 0
    with closing(sqlite3.connect(format_2 / "vault.db")) as link:
        assert link.execute("SELECT count(*) FROM cell_members").fetchone() == (4,)
    vault = open_site(home=format_2).vault
    after = {
        (release, cell, name)
        for release in {row[0] for row in rows}
        for cell, members in vault.cells_of(release).items()
        for name in members
    }
    assert (len(rows), after) == (48, set(rows))


FORGED = [
    "UPDATE content_leaves SET intent_id = 'another'",
    "DELETE FROM content_leaves WHERE pseudonym = ''",
    "CREATE TABLE leaf_shards AS SELECT * FROM content_leaves LIMIT 0",
    "CREATE TRIGGER t AFTER DELETE ON content_leaves BEGIN DELETE FROM charges; END",
]


def test_cells_that_somebody_changed_are_not_carried_over(format_2, say_to):
    with closing(sqlite3.connect(format_2 / "vault.db")) as link, link:
        link.execute(
            "DELETE FROM cells WHERE cell = '40-59' AND pseudonym = (SELECT min(pseudonym) FROM cells)"
        )
        link.execute("UPDATE cells SET cell = 'record' WHERE cell = 'policy'")
    assert say_to(format_2, "upgrade")[0] == 6


@pytest.mark.parametrize("statement", FORGED)
def test_leaves_that_somebody_changed_are_not_carried_over(format_2, say_to, statement):
    """Nor where they are changed after the check: the step looks again under its own lock."""
    change(format_2, statement)
    assert say_to(format_2, "upgrade")[0] == 6
    with closing(sqlite3.connect(format_2 / "registry.db")) as link:
        assert link.execute("SELECT count(*) FROM content_leaves").fetchone()[0] >= 24


@pytest.mark.parametrize("looks_again", [True, False])
def test_leaves_changed_between_check_and_step_are_not_carried_over(
    format_2, say_to, monkeypatch, looks_again
):
    """The broken variant, which believes the first check, would seal what was left."""
    copied = upgrading._copy_stores

    def meanwhile(home: Any) -> list[Path]:
        change(format_2, "DELETE FROM content_leaves WHERE pseudonym = ''")
        return copied(home)

    monkeypatch.setattr(upgrading, "_copy_stores", meanwhile)
    if not looks_again:
        monkeypatch.setattr(Transaction, "require_whole", lambda *_: None)
    assert say_to(format_2, "upgrade")[0] == (6 if looks_again else 0)


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
