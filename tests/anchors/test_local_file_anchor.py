"""Copies of heads on another disk: they are added to, never changed, and find a log that was rewritten."""

from pathlib import Path

import pytest
from anchored_homes import make_head

from lakehouse.adapters.log_settings import CopySettings, LogSettings
from lakehouse.adapters.signatures import Signer
from lakehouse.anchors import local_file
from lakehouse.core.anchor import SignedHead
from lakehouse.errors import Damaged, Unavailable


def copy(folder: Path, head: SignedHead) -> dict[str, bytes]:
    """Copy a head and return what the log's folder of copies holds then."""
    settings = LogSettings(copies=(CopySettings(folder=folder),))
    local_file.anchor(settings, local_file.places(settings)[0], head)
    place = folder / local_file.log_folder(head.head.origin)
    return {path.name: path.read_bytes() for path in place.iterdir()}


def test_each_head_is_one_file_as_the_log_signed_it(tmp_path: Path) -> None:
    copy(tmp_path, make_head(3))

    assert copy(tmp_path, make_head(7)) == {
        "3": make_head(3).note.render().encode(),
        "7": make_head(7).note.render().encode(),
    }


def test_the_same_head_again_changes_nothing(tmp_path: Path) -> None:
    before = copy(tmp_path, make_head(7))
    place = tmp_path / local_file.log_folder(make_head(7).head.origin) / "7"
    written = place.stat().st_mtime_ns

    assert copy(tmp_path, make_head(7)) == before
    assert place.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (make_head(7, changed=6), "does not begin with"),
        (make_head(9, changed=2), "does not begin with"),
        (make_head(5), "5 leaves, a copy of its head 7"),
    ],
    ids=["another head of the same size", "another past", "a shorter log"],
)
def test_a_head_that_contradicts_a_copy_is_refused(tmp_path: Path, head: SignedHead, why: str) -> None:
    before = copy(tmp_path, make_head(7))

    with pytest.raises(Damaged, match=why):
        copy(tmp_path, head)
    place = tmp_path / local_file.log_folder(head.head.origin)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_without_the_comparison_a_rewritten_past_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant of the test above."""
    monkeypatch.setattr(local_file, "_require_growth", lambda found, head: None)
    copy(tmp_path, make_head(7))

    assert set(copy(tmp_path, make_head(9, changed=2))) == {"7", "9"}


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", make_head(6).note.render().encode(), b"x" * 300_000],
    ids=["empty", "not text", "another head", "huge"],
)
def test_a_copy_that_was_changed_is_found(tmp_path: Path, content: bytes) -> None:
    copy(tmp_path, make_head(7))
    (tmp_path / local_file.log_folder(make_head(7).head.origin) / "7").write_bytes(content)

    with pytest.raises(Damaged, match="copied head of 7 leaves"):
        copy(tmp_path, make_head(8))


def test_two_logs_share_a_folder(tmp_path: Path) -> None:
    other = make_head(2, signer=Signer("livinglab.local/other", b"\x08" * 32))

    assert set(copy(tmp_path, make_head(7))) == {"7"}
    assert set(copy(tmp_path, other)) == {"2"}


def test_a_log_signed_by_another_key_is_not_continued(tmp_path: Path) -> None:
    copy(tmp_path, make_head(7))

    with pytest.raises(Damaged, match="not one of this log"):
        copy(tmp_path, make_head(8, signer=Signer("livinglab.local/anchored", b"\x09" * 32)))


def test_a_disk_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """A copy on the wrong disk, under an empty mount point, would be no copy."""
    with pytest.raises(Unavailable, match="not there"):
        copy(tmp_path / "unmounted", make_head(7))
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        copy(tmp_path / "file", make_head(7))
