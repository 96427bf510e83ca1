"""restore: put a home back from its backup, whole or not at all; and know afterwards that this was done.

The backup must be of these keys, and every byte of it the one that was copied. The home that comes out says
in its registry that it was restored: until somebody outside was asked how far the log has gone, it signs
nothing (`pipeline.outside_heads`).
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lakehouse.adapters.backup_folder import BackupFolder, make_folder
from lakehouse.adapters.durable_files import make_private_folder, sync_folder
from lakehouse.adapters.keyring import Keyring
from lakehouse.adapters.registry_schema import tables_of
from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.sqlite_copies import fold_journal
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.core.actors import Actor
from lakehouse.core.backup_manifest import BackupManifest
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import SignedNote, verify_note
from lakehouse.core.home_format import FORMAT, require_current_format
from lakehouse.errors import NotVerified, Unavailable, WrongUse
from lakehouse.pipeline.fsck import Progress
from lakehouse.pipeline.home_identity import IDENTITY, parse_identity, read_home, write_identity
from lakehouse.pipeline.outside_heads import UNCHECKED
from lakehouse.pipeline.site import IN_FILES

EMPTY_PLACES = ("lake", "landing", "registry", "reports", "work")
REGISTRY, RESTORES = "registry.db", "restores"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBackup:
    """A backup whose signature holds and whose files are all there, byte for byte."""

    folder: BackupFolder
    manifest: BackupManifest

    def as_json(self) -> dict[str, object]:
        """Return the fields of `backup --check`, and the first ones of `restore`."""
        own = self.manifest
        return {
            "made_at": own.made_at,
            "size": own.size,
            "versions": own.versions,
            "files": len(own.files),
            "bytes": own.weight,
        }


def read_backup(folder: Path) -> tuple[SignedNote, BackupManifest]:
    """Return what a backup says of itself, unchecked: whose it is, so that its keys can be found."""
    return BackupFolder(folder).read_manifest()


def check_backup(
    folder: Path, note: SignedNote, manifest: BackupManifest, keys: Keyring, progress: Progress
) -> CheckedBackup:
    """Check signature and every file; nothing is written.

    Raises NotVerified (another key signed it, files are missing or were changed), NotReady (a newer format).
    """
    # (1) the key of this home signed this manifest
    signer = Signer(manifest.origin, keys.signing_key())
    verify_note(note, signer.key, verify_signature)
    if manifest.format > FORMAT:
        require_current_format(manifest.format)
    # (2) its files are all there, byte for byte
    store = BackupFolder(folder)
    with progress("checking the backup", len(manifest.files)) as advance:
        broken = 0
        for file in manifest.files.values():
            broken += not store.is_sound(file)
            advance(1)
    if broken:
        raise NotVerified(
            f"{broken} of {len(manifest.files)} files of the backup are missing or were changed",
            remedy="restore from another backup; if the home still stands, make a new one in an empty folder",
        )
    # (3) and it is the home that it says
    identity = manifest.files.get(IDENTITY)
    if identity is None or parse_identity(store.read(identity.sha256)).id != manifest.home:
        raise NotVerified("the backup holds another home than its manifest says")
    return CheckedBackup(folder=store, manifest=manifest)


def restore(
    checked: CheckedBackup, target: Path, keys: Keyring, actor: Actor, now: datetime, progress: Progress
) -> None:
    """Make `target` the home of a backup; nothing stands there before all of it does.

    Raises NotAllowed, WrongUse (`target` is not empty, or lies in the backup), Unavailable.
    """
    actor.require("restore")
    require_free(target, checked.folder.folder)
    with _unfinished_home(target) as home:
        files = checked.manifest.files
        with progress("copying files", len(files)) as advance:
            for path, file in files.items():
                checked.folder.copy_out(file, home / path)
                advance(1)
        for name in EMPTY_PLACES:
            make_private_folder(home / name)
        _keep_stores_in_files(home)
        if RESTORES in tables_of(checked.manifest.format):
            _say_restored(checked, home, keys, actor, now)
        _sync_folders(home)
        home.rename(target)
    sync_folder(target.parent)


def require_free(target: Path, backup: Path) -> None:
    """Raise WrongUse where a home cannot be made: something stands there, or it is in its backup."""
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise WrongUse("the home to be made is there already, or is no empty folder", remedy="name another")
    if backup.resolve() in (target.resolve(), *target.resolve().parents):
        raise WrongUse("a home may not lie in its backup", remedy="name another place with --home")


@contextmanager
def _unfinished_home(target: Path) -> Iterator[Path]:
    """Yield a private folder beside the target, emptied of what a killed restore left.

    Unavailable where another restore is at it.
    """
    folder = target.absolute().parent / f".{target.name}.restoring"
    make_folder(folder, "the folder of the home")
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except NotADirectoryError as error:
        raise WrongUse(
            f"{folder.name} beside the home to be made is a link", remedy="remove it, or name another place"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Unavailable("this home is being restored by another process", remedy="wait for it") from error
    try:
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _keep_stores_in_files(home: Path) -> None:
    """A backup holds the stores as files, whatever kept them in the home."""
    found = read_home(home, current=False)
    if found.stores != IN_FILES:
        write_identity(replace(found, stores=IN_FILES))


def _say_restored(checked: CheckedBackup, home: Path, keys: Keyring, actor: Actor, now: datetime) -> None:
    registry = SqlRegistry(SqliteStore(home / REGISTRY, "the registry"), keys.registry_key())
    with registry.transaction() as tx:
        tx.add(
            RESTORES,
            restore_id=secrets.token_hex(16),
            backup=checked.manifest.root,
            size=checked.manifest.size,
            made_at=checked.manifest.made_at,
            restored_at=timestamp(now),
            state=UNCHECKED,
            actor=actor.as_json(),
        )
    fold_journal(home / REGISTRY)


def _sync_folders(home: Path) -> None:
    for folder in (home, *(path for path in home.rglob("*") if path.is_dir())):
        sync_folder(folder)
