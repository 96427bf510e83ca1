"""Whoever can write into the folder of a backup reaches nothing beyond it, and signs nothing with our key."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from backup_samples import Say
from home_samples import make_home

from lakehouse.adapters.backup_folder import NOTE, BackupFolder
from lakehouse.cli.main import run
from lakehouse.core.backup_manifest import BackupFile, BackupManifest
from lakehouse.pipeline.site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return make_home(tmp_path, monkeypatch)


def put(kept: Path, content: bytes) -> BackupFile:
    """Lay bytes among the backup's, as somebody does who can write there."""
    own = BackupFile(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    place = BackupFolder(kept).place_of(own.sha256)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    return own


def forge(kept: Path, change: Callable[[BackupManifest], BackupManifest]) -> BackupManifest:
    """Let the note, whose signature holds no longer, name another manifest; return that one."""
    _, there = BackupFolder(kept).read_manifest()
    forged = change(there)
    before, after = put(kept, there.render()), put(kept, forged.render())
    note = (kept / NOTE).read_text()
    (kept / NOTE).write_text(note.replace(before.sha256, after.sha256))
    return forged


def with_other_model(kept: Path) -> Callable[[BackupManifest], BackupManifest]:
    """Name other bytes for a model's file, of which no row of the registry says the digest."""
    evil = put(kept, b"not the model")

    def change(there: BackupManifest) -> BackupManifest:
        path = next(path for path in there.files if path.endswith("/model.json"))
        return replace(there, files={**there.files, path: evil})

    return change


def test_a_forged_manifest_is_not_signed_by_the_next_backup(
    site: Site, kept: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, and not made ours. Without the check the forged bytes come out signed: the broken variant."""
    say("backup", kept)
    forged = forge(kept, with_other_model(kept))
    code, said = say("backup", kept)
    assert (code, said["error"]["code"]) == (5, "NOT_VERIFIED")
    assert BackupFolder(kept).read_manifest()[1] == forged
    monkeypatch.setattr("lakehouse.pipeline.backup.verify_note", lambda *_: None)
    assert say("backup", kept)[0] == 0
    assert say("backup", kept, "--check")[0] == 0
    assert b"not the model" in [BackupFolder(kept).read(own.sha256) for own in _files(kept)]


def _files(kept: Path) -> list[BackupFile]:
    return list(BackupFolder(kept).read_manifest()[1].files.values())


@pytest.mark.parametrize("place", ["objects/zz", "objects", "incoming", "lock", "backup.note"])
def test_links_in_the_folder_of_a_backup_lead_nowhere(
    site: Site, kept: Path, tmp_path: Path, say: Say, place: str
) -> None:
    """Nothing behind them is removed, and no database is copied there."""
    say("backup", kept)
    others = tmp_path / "others"
    others.mkdir()
    (others / "theirs").write_text("theirs")
    if (kept / place).exists():
        (kept / place).rename(tmp_path / "aside")
    (kept / place).symlink_to(others if "objects" in place or place == "incoming" else others / "theirs")
    assert say("backup", kept)[0] == 2
    assert [(path.name, path.read_text()) for path in others.iterdir()] == [("theirs", "theirs")]


def test_without_that_check_their_files_would_be_gone(
    site: Site, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: databases of the home lie in the folder of somebody else."""
    assert run(["backup", str(kept)]) == 0
    (tmp_path / "others").mkdir()
    (kept / "incoming").symlink_to(tmp_path / "others")
    monkeypatch.setattr(BackupFolder, "_refuse_links", lambda _self: None)
    mkdir = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda own, *rest, **how: own.is_symlink() or mkdir(own, *rest, **how))
    assert run(["backup", str(kept)]) == 0
    assert (tmp_path / "others" / "vault.db").exists()


def test_a_file_that_went_bad_is_whole_again_where_its_bytes_are_copied_anew(
    site: Site, kept: Path, say: Say
) -> None:
    say("backup", kept)
    own = BackupFolder(kept).read_manifest()[1].files["vault.db"]
    place = BackupFolder(kept).place_of(own.sha256)
    place.write_bytes(b"\0" * own.size)
    assert say("backup", kept, "--check")[0] == 5
    assert say("backup", kept)[1]["copied"] == 0
    assert say("backup", kept, "--check")[0] == 0


@pytest.mark.parametrize("name", ["../../x", "", "a\0b", "x" * 5000, "0" * 15 + "G"])
def test_keys_are_looked_for_below_their_folder_alone(
    site: Site, kept: Path, tmp_path: Path, say: Say, name: str
) -> None:
    say("backup", kept)
    forge(kept, lambda there: replace(there, home=name))
    code, said = say("--home", tmp_path / "r", "restore", kept)
    assert (code, "names no home" in said["error"]["message"]) == (5, True)


def test_what_is_no_backups_file_is_said(site: Site, kept: Path, tmp_path: Path, say: Say) -> None:
    """Folders among the files are left alone, a folder in place of the note is no backup."""
    say("backup", kept)
    (kept / "objects" / "zz" / "theirs").mkdir(parents=True)
    assert say("backup", kept)[0] == 0
    assert (kept / "objects" / "zz" / "theirs").is_dir()
    (kept / NOTE).unlink()
    (kept / NOTE).mkdir()
    assert say("backup", kept)[0] == 2
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 3


def test_a_home_is_not_made_where_a_link_stands(site: Site, kept: Path, tmp_path: Path, say: Say) -> None:
    """To an empty folder or to nowhere, nor beside a link under the name of what is being made."""
    say("backup", kept)
    (tmp_path / "empty").mkdir()
    for name in ("link", "dangling", ".m.restoring"):
        (tmp_path / name).symlink_to(tmp_path / ("nowhere" if name == "dangling" else "empty"))
        home = tmp_path / ("m" if name.startswith(".") else name)
        assert say("--home", home, "restore", kept)[0] == 2
    assert not list((tmp_path / "empty").iterdir())


def test_keys_are_put_back_neither_with_the_backup_nor_where_no_home_comes_to_be(
    site: Site, kept: Path, tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of them is written where the restore is refused."""
    say("backup", kept, "--keys", tmp_path / "safe")
    for keys, home in ((kept / "k", tmp_path / "r"), (tmp_path / "r" / "k", tmp_path / "r")):
        monkeypatch.setenv("LIVINGLAB_KEYS", str(keys))
        assert say("--home", home, "restore", kept, "--keys", tmp_path / "safe")[0] == 2
        assert not keys.exists()
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "q"))
    assert say("--home", site.home.path, "restore", kept, "--keys", tmp_path / "safe")[0] == 2
    assert not (tmp_path / "q").exists()
