"""An old copy of a home beside a log that has gone on: noticed before it signs, where anybody knows."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from witness_processes import WitnessProcess, down

from lakehouse.cli.main import run
from lakehouse.errors import Damaged, LivingLabError, Unavailable
from lakehouse.pipeline import outside_heads
from lakehouse.pipeline.anchoring import anchor_head
from lakehouse.pipeline.cosign import cosign_head
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site

Say = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def as_a_new_process() -> None:
    """Forget what this process has asked: each test is one of its own."""
    outside_heads._asked.clear()


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command under the site file of the test."""

    def said(*words: object) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run(["--json", "--site", str(tmp_path / "site.toml"), *map(str, words)])
        return code, json.loads(capsys.readouterr().out)

    return said


def add_leaf(site: Site, said: str) -> int:
    """Log something, as every verb does."""
    return log_record(site, draft_record(site, kind="decision", digests={}, details={"said": said}, ref=said))


@pytest.fixture
def old(tmp_path: Path, home: Callable[..., Site], say: Say) -> Path:
    """A home restored from a backup of 2 leaves, beside a log that went on to 3 and was cosigned there."""
    site = home()
    add_leaf(site, "one")
    add_leaf(site, "two")
    cosign_head(site)
    assert say("--home", site.home.path, "backup", tmp_path / "backup")[0] == 0
    add_leaf(site, "three, after the backup")
    cosign_head(site)
    outside_heads._asked.clear()
    return tmp_path / "old"


def reopened(tmp_path: Path, home: Path) -> Site:
    return open_site(tmp_path / "site.toml", home)


def test_a_restored_older_home_is_noticed_and_signs_nothing(tmp_path: Path, old: Path, say: Say) -> None:
    """Restored, it is clean and says that others know more; a write, `status`, `log compare` say so too."""
    code, said = say("--home", old, "restore", tmp_path / "backup")
    assert (code, said["clean"]) == (0, True)
    assert "seen at 3 leaves" in said["newer"]["what"]
    site = reopened(tmp_path, old)
    with pytest.raises(
        Damaged, match=r"seen at 3 leaves by .*, this home stands at 2: it is an older copy"
    ) as caught:
        add_leaf(site, "another third leaf")
    assert "restore a backup of 3 leaves or more" in caught.value.remedy
    assert site.log.size() == 2
    missing = say("--home", old, "status")[1]["missing"]
    assert "older copy" in missing[0]["what"]
    code, said = say("--home", old, "log", "compare")
    assert (code, {place["verdict"] for place in said["places"]}) == (5, {"longer"})


def test_the_newest_backup_goes_on(tmp_path: Path, old: Path, home: Callable[..., Site], say: Say) -> None:
    """A backup of all 3 leaves: the first signature asks, and is noted as asked."""
    say("--home", home().home.path, "backup", tmp_path / "backup")
    assert say("--home", old, "restore", tmp_path / "backup")[1]["newer"] is None
    site = reopened(tmp_path, old)
    assert add_leaf(site, "four") == 3
    with site.registry.reading() as tx:
        assert [row["state"] for row in tx.many("restores")] == ["checked"]


def test_a_copied_folder_is_noticed_like_a_restored_one(tmp_path: Path, home: Callable[..., Site]) -> None:
    """`cp -r` leaves no row that says so: every process asks before it first signs."""
    site = home()
    add_leaf(site, "one")
    shutil.copytree(site.home.path, tmp_path / "copy")
    add_leaf(site, "two")
    cosign_head(site)
    with pytest.raises(Damaged, match="seen at 2 leaves"):
        add_leaf(reopened(tmp_path, tmp_path / "copy"), "another second")


def test_a_home_replaced_under_a_process_is_noticed(tmp_path: Path, home: Callable[..., Site]) -> None:
    """The process has asked already; the log that it meets now is shorter than it was."""
    site = home()
    add_leaf(site, "one")
    shutil.copytree(site.home.path, tmp_path / "kept")
    add_leaf(site, "two")
    cosign_head(site)
    add_leaf(site, "three")
    cosign_head(site)
    shutil.rmtree(site.home.path)
    shutil.copytree(tmp_path / "kept", site.home.path)
    with pytest.raises(Damaged, match="seen at 3 leaves"):
        add_leaf(reopened(tmp_path, site.home.path), "another second")


def test_a_restored_home_waits_for_somebody_who_knows(
    tmp_path: Path, old: Path, witnesses: list[WitnessProcess], home: Callable[..., Site], say: Say
) -> None:
    """Two are demanded: while none answers, the restored home does not sign, another does."""
    say("--home", old, "restore", tmp_path / "backup")
    with down(*witnesses):
        site = reopened(tmp_path, old)
        with pytest.raises(Unavailable, match=r"0 of 2 places outside"):
            add_leaf(site, "another third")
        assert say("--home", old, "status")[0] == 0
        assert add_leaf(home(), "four") == 3
    with down(witnesses[0], witnesses[1]), pytest.raises(Damaged, match="seen at"):
        add_leaf(site, "another third")


def test_a_folder_of_copies_is_enough(tmp_path: Path, open_home: Callable[..., Site]) -> None:
    """No witness, but heads copied to another disk: the old copy meets the newer head there."""
    shipped = Path(__file__).resolve().parents[2] / "infra" / "sites" / "local.toml"
    copies = tmp_path / "heads"
    copies.mkdir()
    site_file = tmp_path / "site.toml"
    site_file.write_text(f'base = "{shipped}"\n[log]\n[[log.copies]]\nfolder = "heads"\n')
    site = open_home(site_file=site_file)
    add_leaf(site, "one")
    shutil.copytree(site.home.path, tmp_path / "copy")
    add_leaf(site, "two")
    anchor_head(site, "local_file")
    with pytest.raises(Damaged, match=r"seen at 2 leaves by .*heads"):
        add_leaf(open_home("copy", site_file=site_file), "another second")
    copies.rename(tmp_path / "not-mounted")
    assert add_leaf(open_home(site_file=site_file), "three") == 2


def test_without_anybody_outside_nobody_can_know(tmp_path: Path, open_home: Callable[..., Site]) -> None:
    """The limit: the shipped site file names no witness, and the old copy signs a second history."""
    site = open_home()
    add_leaf(site, "one")
    shutil.copytree(site.home.path, tmp_path / "copy")
    add_leaf(site, "two")
    assert add_leaf(open_home("copy"), "another second") == 1


def test_the_broken_variant_that_asks_nobody_signs_a_fork(
    tmp_path: Path, old: Path, say: Say, monkeypatch: Any
) -> None:
    """Positive control: without the question two histories are signed; `log compare` proves it to anybody."""
    say("--home", old, "restore", tmp_path / "backup")
    monkeypatch.setattr("lakehouse.pipeline.log_records.require_newest_home", lambda _site: None)
    site = reopened(tmp_path, old)
    assert add_leaf(site, "another third") == 2
    with pytest.raises(LivingLabError):
        cosign_head(site)
    code, said = say("--home", old, "log", "compare")
    assert (code, "forked" in {place["verdict"] for place in said["places"]}) == (5, True)
