"""A restore brings back exactly what was backed up, from nothing but a whole and genuine backup."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backup_samples import Say, killed, land, restored
from home_samples import make_home

from lakehouse.cli.main import run
from lakehouse.core.backup_manifest import BackupFile, BackupManifest, parse_manifest
from lakehouse.core.canonical import canonical_json
from lakehouse.core.home_format import FORMAT
from lakehouse.errors import NotVerified
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.restore import _unfinished_home
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return make_home(tmp_path, monkeypatch)


def test_what_is_restored_is_clean_and_goes_on(site: Site, kept: Path, say: Say) -> None:
    """fsck finds nothing, and the next write has the next leaf."""
    assert say("backup", kept)[0] == 0
    code, said, home = restored(kept, "restored", say)
    assert (code, said["clean"], said["size"], said["newer"]) == (0, True, 6, None)
    again = open_site(home=home)
    land(again, 7)
    assert again.log.size() == 7
    assert fsck(again, print).clean


def test_keys_are_copied_where_asked_and_put_back_but_never_written_over(
    site: Site, kept: Path, tmp_path: Path, say: Say, monkeypatch: Any
) -> None:
    """Home and keys are lost: backup and key folder bring both back. Other keys of that home stay."""
    say("backup", kept, "--keys", tmp_path / "safe")
    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "new-keys"))
    assert say("--home", tmp_path / "r1", "restore", kept)[0] == 7
    assert say("--home", tmp_path / "r1", "restore", kept, "--keys", tmp_path / "safe")[0] == 0
    assert say("--home", tmp_path / "r1", "fsck")[1]["clean"]
    own = tmp_path / "new-keys" / site.home.id / "wrapping.key"
    own.write_bytes(b"\x07" * 32)
    assert say("--home", tmp_path / "r2", "restore", kept, "--keys", tmp_path / "safe")[0] == 2
    assert own.read_bytes() == b"\x07" * 32


def test_every_changed_or_missing_file_of_a_backup_is_noticed_before_anything_is_written(
    site: Site, kept: Path, tmp_path: Path, say: Say
) -> None:
    say("backup", kept)
    for file in sorted(path for path in (kept / "objects").rglob("*") if path.is_file()):
        whole = file.read_bytes()
        for broken in (bytes([whole[0] ^ 1]) + whole[1:] if whole else b"x", whole + b"x"):
            file.write_bytes(broken)
            assert say("--home", tmp_path / "r", "restore", kept)[0] == 5
        file.unlink()
        assert say("backup", kept, "--check")[0] == 5
        file.write_bytes(whole)
    assert not (tmp_path / "r").exists()
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 0


def test_a_backup_that_another_key_signed_is_refused(
    site: Site, kept: Path, tmp_path: Path, say: Say
) -> None:
    """Whoever can write the folder, and has not the key of this home, can make no backup of it."""
    say("backup", kept)
    key = tmp_path / "keys" / site.home.id / "log.key"
    own = key.read_bytes()
    key.write_bytes(b"\x09" * 32)
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 5
    key.write_bytes(own)
    note = (kept / "backup.note").read_text()
    (kept / "backup.note").write_text(note.replace("livinglab/backup/v1\n", "livinglab/backup/v2\n"))
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 5


HOSTILE = ["../x", "/etc/x", "lake/../../x", "lake//x", "keys/x", "lake/./x", ".", "", "registry.db/"]


MANIFEST = BackupManifest(
    home="00000000000000f1", origin="livinglab.local/00000000000000f1", format=2,
    made_at="2026-11-22T22:00:00Z", size=6, root="0" * 64, versions=3, vault_counter=2,
    files={"lake/x": BackupFile(sha256="0" * 64, size=1)},
)  # fmt: skip


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert parse_manifest(MANIFEST.render()) == MANIFEST


@pytest.mark.parametrize("path", HOSTILE)
def test_no_path_of_a_manifest_leaves_the_home(path: str) -> None:
    forged = replace(MANIFEST, files={path: MANIFEST.files["lake/x"]})
    with pytest.raises(NotVerified, match="outside the places"):
        parse_manifest(forged.render())


FORGED: list[dict[str, object]] = [
    {"size": -1}, {"size": True}, {"made_at": "yesterday"}, {"more": 1}, {"files": []},
    {"files": {"lake/x": ["00", 1]}}, {"files": {"lake/x": ["0" * 64, -1]}},
    {"schema": "livinglab/backup/v2"},
]  # fmt: skip


@pytest.mark.parametrize("change", FORGED, ids=str)
def test_a_manifest_has_exactly_its_fields(change: dict[str, object]) -> None:
    with pytest.raises(NotVerified):
        parse_manifest(canonical_json({**json.loads(MANIFEST.render()), **change}))


def test_a_home_that_is_there_is_not_replaced(site: Site, kept: Path, tmp_path: Path, say: Say) -> None:
    """An empty folder is taken; a stopped restore leaves nothing that the next one trips over."""
    say("backup", kept)
    assert say("--home", site.home.path, "restore", kept)[0] == 2
    (tmp_path / "r").mkdir()
    (tmp_path / ".r.restoring" / "lake").mkdir(parents=True)
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 0
    assert not (tmp_path / ".r.restoring").exists()
    assert say("--home", kept / "inside", "restore", kept)[0] == 2


def test_a_stopped_restore_leaves_no_home(
    site: Site, kept: Path, tmp_path: Path, say: Say, monkeypatch: Any
) -> None:
    say("backup", kept)
    monkeypatch.setattr("lakehouse.pipeline.restore._say_restored", killed)
    assert run(["--home", str(tmp_path / "r"), "restore", str(kept)]) == 130
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_the_role_is_the_engineers(site: Site, kept: Path, tmp_path: Path, say: Say, command: str) -> None:
    say("backup", kept)
    code, said = say(
        "--as", "analyst", "--home", tmp_path / ("home" if command == "backup" else "r"), command, kept
    )
    assert (code, said["error"]["code"]) == (4, "NOT_ALLOWED")


def test_a_restored_registry_says_so(site: Site, kept: Path, say: Say) -> None:
    say("backup", kept)
    _, _, home = restored(kept, "restored", say)
    with open_site(home=home).registry.reading() as tx:
        (row,) = tx.many("restores", state="unchecked")
    assert row["size"] == 6


def test_a_backup_of_another_format_says_what_to_do(
    site: Site, kept: Path, tmp_path: Path, say: Say, monkeypatch: Any
) -> None:
    """Made by later software it is not restored; by earlier software it is, marked, and wants an upgrade."""
    say("backup", kept)
    for number, home, expected in ((FORMAT - 1, "later", 3), (FORMAT + 1, "earlier", 0)):
        with monkeypatch.context() as patch:
            patch.setattr("lakehouse.pipeline.restore.FORMAT", number)
            patch.setattr("lakehouse.core.home_format.FORMAT", number)
            code, said = say("--home", tmp_path / home, "restore", kept)
            assert code == expected
            assert expected == 3 or said["clean"] is None
            assert expected == 3 or say("--home", tmp_path / home, "status")[0] == 3
    with closing(sqlite3.connect(tmp_path / "earlier" / "registry.db")) as link:
        assert ("unchecked",) in link.execute("SELECT state FROM restores").fetchall()
    assert not (tmp_path / "later").exists()


def test_two_restores_of_one_home_exclude_each_other(
    site: Site, kept: Path, tmp_path: Path, say: Say
) -> None:
    """The second says so and takes nothing away from the first."""
    say("backup", kept)
    with _unfinished_home(tmp_path / "r") as first:
        (first / "mine").write_text("half")
        assert say("--home", tmp_path / "r", "restore", kept)[0] == 7
        assert (first / "mine").read_text() == "half"
    assert say("--home", tmp_path / "r", "restore", kept)[0] == 0
