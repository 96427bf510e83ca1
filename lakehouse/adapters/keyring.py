"""The keys that must not lie in the home: wrapping, index and signing key, one file each.

32 random bytes a file, mode 0600 in a folder of 0700. Production puts a KMS behind the same methods.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.key_tree import KEY_BYTES, derive_key
from lakehouse.errors import Damaged, Unavailable, WrongUse

KEY_FILES = ("wrapping.key", "index.key", "log.key")


class Keyring:
    """The keys of one home; each is read when it is asked for and never kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls, folder: Path, *, create: bool) -> Self:
        """Return the keyring of `folder`; with `create` make all keys, once, where there is none of them.

        A key that is missing beside others is never replaced: `Unavailable`.
        """
        if create:
            make_private_folder(folder)
            with _sole_user_of(folder):
                if not any((folder / name).exists() for name in KEY_FILES):
                    for name in KEY_FILES:
                        write_durably(folder / name, secrets.token_bytes(KEY_BYTES))
        ring = cls(folder)
        for name in KEY_FILES:
            ring._read(name)
        return ring

    def wrapping_key(self) -> bytes:
        """Return the key that wraps the secrets of the vault."""
        return self._read("wrapping.key")

    def index_key(self) -> bytes:
        """Return the key of the vault's identifier index."""
        return self._read("index.key")

    def registry_key(self) -> bytes:
        """Return the key of the row MACs in registry.db."""
        return derive_key(self.index_key(), "registry")

    def signing_key(self) -> bytes:
        """Return the Ed25519 seed of the log."""
        return self._read("log.key")

    def _read(self, name: str) -> bytes:
        return read_key_file(
            self._folder / name,
            owner="this home",
            remedy="set LIVINGLAB_KEYS to the folder that holds this home's keys",
        )


def copy_keys(source: Path, target: Path, *, renew: bool) -> None:
    """Copy the keys of a home into another folder; keys of another home are never written over.

    With `renew` a wrapping key that is not the present one is replaced: what erasure destroyed must not be
    kept. Raises WrongUse (other keys lie there), Unavailable, Damaged.
    """
    ring = Keyring(source)
    for name in KEY_FILES:
        content, place = ring._read(name), target / name
        if place.exists() and place.read_bytes() != content and not (renew and name == KEY_FILES[0]):
            raise WrongUse("other keys lie in the folder for the keys", remedy="choose another folder")
    for name in KEY_FILES:
        write_durably(target / name, ring._read(name))


def read_key_file(path: Path, *, owner: str, remedy: str) -> bytes:
    """Return the 32 bytes of a key file.

    Unavailable where it is missing or open to other accounts, Damaged where it is of another length.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the key {path.name} of {owner} cannot be read", remedy=remedy) from error
    if mode & 0o077:
        raise Unavailable(
            f"the key {path.name} is open to other accounts (mode {mode:04o})",
            remedy=f"chmod 600 {path.name} in the folder of the keys",
        )
    if len(content) != KEY_BYTES:
        raise Damaged(
            f"the key {path.name} has {len(content)} bytes instead of {KEY_BYTES}",
            remedy="restore it from a backup of the folder of the keys",
        )
    return content


@contextmanager
def _sole_user_of(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
