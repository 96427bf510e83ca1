"""Keys on disk: private, made once, never replaced."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakehouse.adapters.keyring import KEY_FILES, Keyring
from lakehouse.errors import Damaged, Unavailable


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys" / "home"
    ring = Keyring.open(folder, create=True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in KEY_FILES} == {0o600}
    again = Keyring.open(folder, create=True)
    assert ring.signing_key() == again.signing_key()
    assert len({ring.wrapping_key(), ring.index_key(), ring.signing_key(), ring.registry_key()}) == 4


def test_two_that_start_at_once_share_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: Keyring.open(tmp_path / "keys", create=True), range(8)))
    assert len({ring.wrapping_key() for ring in rings}) == 1


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    Keyring.open(tmp_path, create=True)
    (tmp_path / "wrapping.key").unlink()
    with pytest.raises(Unavailable, match=r"wrapping\.key"):
        Keyring.open(tmp_path, create=True)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keyring.open(tmp_path, create=True)
    (tmp_path / "log.key").chmod(0o640)
    with pytest.raises(Unavailable, match="open to other accounts"):
        Keyring.open(tmp_path, create=False)


def test_a_cut_key_is_damage(tmp_path: Path) -> None:
    Keyring.open(tmp_path, create=True)
    (tmp_path / "index.key").write_bytes(b"short")
    with pytest.raises(Damaged):
        Keyring.open(tmp_path, create=False)
