"""A backup is one state of a home, made while others write."""

import json
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from backup_samples import Say, killed, land, restored
from home_samples import BRONZE, make_home

from lakehouse.adapters.backup_folder import BackupFolder
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.cli.main import run
from lakehouse.pipeline import backup_moment, backup_stores
from lakehouse.pipeline.backup import backup
from lakehouse.pipeline.fsck import unwatched
from lakehouse.pipeline.intents import OPEN
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return make_home(tmp_path, monkeypatch)


def test_a_second_backup_copies_what_is_new_and_drops_what_is_old(site: Site, kept: Path, say: Say) -> None:
    """Unchanged: nothing is copied. One batch more: data file, commit, newest tiles, head, both databases."""
    first = say("backup", kept)[1]
    assert (first["files"], first["copied"]) == (first["files"], first["files"])
    assert say("backup", kept)[1]["copied"] == 0
    land(site, 7)
    second = say("backup", kept)[1]
    assert (second["copied"], second["size"], second["versions"]) == (7, 7, 4)
    manifest = BackupFolder(kept).read_manifest()[1]
    objects = [path.name for path in (kept / "objects").rglob("*") if path.is_file()]
    assert len(objects) == len({file.sha256 for file in manifest.files.values()}) + 1
    assert restored(kept, "restored", say)[:2][1]["clean"]


def test_only_what_the_registry_names_is_copied(site: Site, kept: Path, say: Say) -> None:
    """Not the drop zone, files of nobody's version, what Airflow keeps; nothing is for other accounts."""
    strays = [
        "landing/GaPt03_01.txt",
        "lake/gold/gait_by_cohort/stray.parquet",
        "airflow/airflow.db",
        "work/x",
    ]
    for name in strays:
        (site.home.place(name)).parent.mkdir(parents=True, exist_ok=True)
        site.home.place(name).write_text("stray")
    say("backup", kept)
    assert not set(strays) & set(BackupFolder(kept).read_manifest()[1].files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (kept, *kept.rglob("*")))


def test_a_write_under_way_is_left_out(site: Site, kept: Path, say: Say, monkeypatch: Any) -> None:
    """Killed between its Delta commit and its leaf: the restored home knows nothing of it and is clean."""
    monkeypatch.setattr("lakehouse.pipeline.writing.finish_intent", killed)
    with pytest.raises(KeyboardInterrupt):
        land(site, 7)
    say("backup", kept)
    code, said, home = restored(kept, "restored", say)
    assert (code, said["versions"]) == (0, 3)
    with open_site(home=home, replay=False).registry.reading() as tx:
        assert tx.count("intents", state=OPEN) == 0
    with site.registry.reading() as tx:
        assert tx.count("intents", state=OPEN) == 1


def test_backups_beside_a_writer_are_all_clean(site: Site, kept: Path, say: Say) -> None:
    """Twelve batches are landed while backups are made one after another: each restores to one state."""
    done = threading.Event()

    def write() -> None:
        for batch in range(7, 19):
            land(site, batch)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    sizes, finished = [], False
    while not finished:
        finished = done.is_set()
        sizes.append(backup(site, kept, unwatched).size)
        code, said, home = restored(kept, f"r{len(sizes)}", say)
        assert (code, said["clean"], said["size"]) == (0, True, sizes[-1])
        shutil.rmtree(home)
    writer.join()
    assert sizes == sorted(sizes)
    assert sizes[-1] == 18


def test_the_broken_variant_that_copies_the_vault_first_is_caught(
    site: Site, kept: Path, say: Say, monkeypatch: Any
) -> None:
    """Vault, a batch of somebody new, registry: the vault is older than the log, and fsck says so."""
    first, second = backup_stores.STORES

    def vault_first(own: Site, folder: Path) -> None:
        backup_stores.copy_database(own.home.place(second), folder / second)
        land(site, 7)
        backup_stores.copy_database(own.home.place(first), folder / first)

    monkeypatch.setattr(backup_moment, "copy_stores", vault_first)
    assert "vault is older than the log" in _broken_backup(kept, say)


def test_the_broken_variant_without_the_lock_of_the_log_is_caught(
    site: Site, kept: Path, say: Say, monkeypatch: Any
) -> None:
    """Somebody signs between the copies of registry and tiles: the log is longer than the registry says."""
    copied = backup_stores.copy_stores

    def and_somebody_signs(own: Site, folder: Path) -> None:
        copied(own, folder)
        land(site, 7)

    monkeypatch.setattr(backup_moment, "copy_stores", and_somebody_signs)
    assert "registry/" in _broken_backup(kept, say)


def _broken_backup(kept: Path, say: Say) -> str:
    """Return what the walk after a restore finds in a backup that is not one state."""
    say("backup", kept)
    code, said, _ = restored(kept, "restored", say)
    assert (code, said.get("clean")) == (6, False), said
    return json.dumps(said["findings"])


def test_a_pointer_that_a_write_under_way_moved_is_waited_for(
    site: Site, kept: Path, say: Say, monkeypatch: Any
) -> None:
    """Delta's tenth commit moves `_last_checkpoint` before its leaf: the backup is of a signed state."""
    pointer = site.home.place("lake", "bronze", "gait_people", "_delta_log", "_last_checkpoint")
    commit = DeltaLake.commit

    def with_pointer(self: DeltaLake, table: str, staged: Path, **how: Any) -> None:
        commit(self, table, staged, **how)
        pointer.write_text(f'{{"version":{how["intent"][:4]!r}}}')

    monkeypatch.setattr(DeltaLake, "commit", with_pointer)
    land(site, 7)
    signed = pointer.read_text()
    pointer.write_text('{"version":"moved by a writer that lives"}')
    rounds: list[list[str]] = []
    taken = backup_moment.take_moment

    def settled_at_the_second(own: Site, folder: Path, tables: list[str]) -> Any:
        rounds.append(tables)
        if tables:
            pointer.write_text(signed)
        return taken(own, folder, tables)

    monkeypatch.setattr("lakehouse.pipeline.backup.take_moment", settled_at_the_second)
    assert say("backup", kept)[0] == 0
    assert rounds == [[], [BRONZE]]
    assert restored(kept, "restored", say)[1]["clean"]


def test_a_stopped_backup_leaves_the_one_before(site: Site, kept: Path, say: Say, monkeypatch: Any) -> None:
    """Stopped at any file: the backup before it is whole; the next run ends what was begun."""
    say("backup", kept)
    land(site, 7)
    add = BackupFolder._settle
    for stop in range(1, 8):
        left = stop

        def stopped(self: BackupFolder, incoming: Path, file: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                raise KeyboardInterrupt
            return add(self, incoming, file)

        monkeypatch.setattr(BackupFolder, "_settle", stopped)
        assert run(["backup", str(kept)]) == 130
        monkeypatch.setattr(BackupFolder, "_settle", add)
        assert say("backup", kept, "--check")[1]["size"] == 6
    assert say("backup", kept)[1]["size"] == 7
    assert not list((kept / "incoming").glob("*")) if (kept / "incoming").exists() else True


def test_missing_files_of_the_home_are_damage_and_the_old_backup_stays(
    site: Site, kept: Path, say: Say
) -> None:
    say("backup", kept)
    land(site, 7)
    newest = max(site.lake.folder_of(BRONZE).glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.unlink()
    code, said = say("backup", kept)
    assert (code, "fsck" in said["error"]["remedy"]) == (6, True)
    assert say("backup", kept, "--check")[1]["size"] == 6


def test_a_link_in_the_home_is_not_followed(site: Site, kept: Path, say: Say, tmp_path: Path) -> None:
    """Else whoever may write into the home would have any file of this account copied."""
    (tmp_path / "secret").write_text("secret")
    (site.home.place("reports") / "link.html").symlink_to(tmp_path / "secret")
    commit = next(site.lake.folder_of(BRONZE).glob("_delta_log/*0.json"))
    commit.rename(tmp_path / "kept.json")
    commit.symlink_to(tmp_path / "kept.json")
    assert say("backup", kept)[0] == 6


PLACES = ["home", "home/inner", ".", "keys", "keys/inner"]


@pytest.mark.parametrize("place", PLACES)
def test_a_backup_lies_neither_in_the_home_nor_with_its_keys(
    site: Site, tmp_path: Path, say: Say, place: str
) -> None:
    assert say("backup", tmp_path / place)[0] == 2


@pytest.mark.parametrize("place", ["backup", "backup/keys", ".", "home/keys"])
def test_copied_keys_lie_apart(site: Site, kept: Path, tmp_path: Path, say: Say, place: str) -> None:
    """Also through a link: where it leads counts. Nothing is written then."""
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    for keys in (tmp_path / place, tmp_path / "link" / place):
        code, said = say("backup", kept, "--keys", keys)
        assert (code, said["error"]["code"]) == (2, "WRONG_USE")
        assert not kept.exists()


def test_a_wrapping_key_that_erasure_replaced_is_not_kept(
    site: Site, kept: Path, tmp_path: Path, say: Say
) -> None:
    """The old one would open the secrets of somebody who was erased, in an old copy of the vault."""
    say("backup", kept, "--keys", tmp_path / "safe")
    own = tmp_path / "keys" / site.home.id / "wrapping.key"
    own.write_bytes(b"\x08" * 32)
    say("backup", kept, "--keys", tmp_path / "safe")
    assert (tmp_path / "safe" / site.home.id / "wrapping.key").read_bytes() == b"\x08" * 32


def test_folders_of_others_are_left_alone(site: Site, kept: Path, tmp_path: Path, say: Say) -> None:
    """A folder with other things, an empty backup, another home's backup: said, and not touched."""
    kept.mkdir()
    (kept / "letter.txt").write_text("mine")
    assert say("backup", kept)[0] == 2
    assert [path.name for path in kept.iterdir()] == ["letter.txt"]
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 3
    other = tmp_path / "other"
    say("backup", other)
    open_site(home=tmp_path / "second", create=True)
    assert say("--home", tmp_path / "second", "backup", other)[0] == 2


def test_a_backup_is_not_written_over_by_an_older_copy_of_its_home(
    site: Site, kept: Path, tmp_path: Path, say: Say
) -> None:
    """The folder knows a longer log: exit 6, and the newer backup stays."""
    shutil.copytree(site.home.path, tmp_path / "old")
    land(site, 7)
    say("backup", kept)
    code, said = say("--home", tmp_path / "old", "backup", kept)
    assert (code, "older copy" in said["error"]["message"]) == (6, True)
    old = open_site(home=tmp_path / "old")
    for batch in (8, 9):
        land(old, batch)
    assert say("--home", tmp_path / "old", "backup", kept)[0] == 6
    assert say("backup", kept, "--check")[1]["size"] == 7


def test_two_backups_into_one_folder_exclude_each_other(site: Site, kept: Path, say: Say) -> None:
    with BackupFolder(kept).sole_writer():
        assert say("backup", kept)[0] == 7
    assert say("backup", kept)[0] == 0


def test_a_full_disk_is_said_and_the_old_backup_stays(
    site: Site, kept: Path, say: Say, monkeypatch: Any
) -> None:
    say("backup", kept)
    land(site, 7)
    monkeypatch.setattr(os, "fsync", _no_space)
    assert say("backup", kept)[0] == 7
    monkeypatch.undo()


def _no_space(_handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_copied_database_is_one_file_of_one_transaction(site: Site, tmp_path: Path) -> None:
    """While somebody holds the write lock, the copy shows what was committed before, nothing of theirs."""
    with site.registry.transaction() as tx:
        tx.drop("charges")
        backup_stores.copy_database(site.home.place("registry.db"), tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as link:
        assert link.execute("SELECT count(*) FROM charges").fetchone() == (1,)
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]


@pytest.mark.parametrize(
    "words", [["{0}/file"], ["{0}/file/x"], ["/proc/x"], ["{0}/b", "--keys", "{0}/file"]]
)
def test_a_place_that_is_no_folder_is_said(site: Site, tmp_path: Path, say: Say, words: list[str]) -> None:
    """One sentence, and nothing is left there."""
    (tmp_path / "file").write_text("mine")
    code, said = say("backup", *(word.format(tmp_path) for word in words))
    assert code in (2, 7), said
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "b").exists()
