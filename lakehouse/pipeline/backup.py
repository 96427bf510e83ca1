"""backup: a copy of a home that is one state of it, made while others write.

What changes is taken first, in a moment in which nobody can sign (`backup_moment`). All else never changes
and is copied afterwards: the files that the copied registry names, and no others. A write that was under way
is not in the backup.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.adapters.backup_folder import BackupFolder
from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.backup_manifest import BackupFile, BackupManifest
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import verify_note
from lakehouse.errors import Damaged, NotReady, WrongUse
from lakehouse.pipeline.backup_moment import (
    Moment,
    NamedFile,
    loose_files,
    named_files,
    pointer_files,
    take_moment,
    unsettled_tables,
)
from lakehouse.pipeline.fsck import Progress
from lakehouse.pipeline.fsck_registry import Advance
from lakehouse.pipeline.site import Home, Site

ROUNDS = 3
"""How often a backup begins anew because files that it was to copy went away meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds. copied, copied_bytes: what this run added; size: leaves of the log."""

    files: int
    bytes: int
    copied: int
    copied_bytes: int
    size: int
    versions: int
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Return the fields of `backup`."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "copied": self.copied,
            "copied_bytes": self.copied_bytes,
            "size": self.size,
            "versions": self.versions,
            "seconds": self.seconds,
        }


@dataclass(slots=True, kw_only=True)
class _Taken:
    """The files of the backup so far; new: the contents that this run added."""

    files: dict[str, BackupFile] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)

    def add(self, path: str, added: tuple[BackupFile, bool]) -> BackupFile:
        file, is_new = added
        self.files[path] = file
        if is_new:
            self.new[file.sha256] = file.size
        return file


def backup(site: Site, folder: Path, progress: Progress) -> Backup:
    """Bring the backup in `folder` to the home's present state; only what is new is copied.

    Stopped, it leaves the backup there was. Neither keys are in it, nor `landing/`: what lies there is in
    clear and not taken in yet.

    Raises NotAllowed, WrongUse (a folder in the home, or with other things in it), NotVerified (the backup
    there is not as we signed it), Damaged (the home is older than it, or files are missing), Unavailable.
    """
    site.actor.require("backup")
    require_outside(site.home, folder)
    started, store = time.monotonic(), BackupFolder(folder)
    with store.sole_writer() as incoming:
        earlier = _earlier_files(site, store)
        moment, taken = _copy_home(site, store, incoming, earlier, progress)
        manifest = BackupManifest(
            home=site.home.id,
            origin=site.home.origin,
            format=site.home.format,
            made_at=timestamp(site.clock()),
            size=moment.size,
            root=moment.root,
            versions=len(moment.stores.versions),
            vault_counter=moment.stores.vault_counter,
            files=taken.files,
        )
        store.write_manifest(manifest, Signer(site.home.origin, site.keys.signing_key()))
    return Backup(
        files=len(manifest.files),
        bytes=manifest.weight,
        copied=len(taken.new),
        copied_bytes=sum(taken.new.values()),
        size=manifest.size,
        versions=manifest.versions,
        seconds=round(time.monotonic() - started, 1),
    )


def require_outside(home: Home, folder: Path) -> None:
    """Raise WrongUse where a folder lies in the home, or the home in it: one loss would take both."""
    ours, theirs = home.path.resolve(), folder.resolve()
    if ours == theirs or ours in theirs.parents or theirs in ours.parents:
        raise WrongUse(
            "a backup may not lie in the home, nor the home in it", remedy="choose a folder on another disk"
        )


def require_apart(keys: Path, *places: Path) -> None:
    """Raise WrongUse where keys would lie with a home or backup that they open, or these with them."""
    own = keys.resolve()
    for other in (place.resolve() for place in places):
        if own == other or own in other.parents or other in own.parents:
            raise WrongUse(
                "keys may not lie with what they open", remedy="choose folders apart, best on other disks"
            )


def _earlier_files(site: Site, store: BackupFolder) -> Mapping[str, BackupFile]:
    """Return the files of the backup there is; empty where there is none.

    Another home's backup is not replaced, nor one whose log ours does not continue. A note that our key did
    not sign could have its own bytes signed as ours: what it names is not read again.
    """
    try:
        note, there = store.read_manifest()
    except NotReady:
        return {}
    if there.home != site.home.id:
        raise WrongUse("the folder holds the backup of another home", remedy="choose another folder")
    verify_note(note, Signer(site.home.origin, site.keys.signing_key()).key, verify_signature)
    size = site.log.size()
    if there.size > size or site.log.root_at(there.size).hex() != there.root:
        raise Damaged(
            f"the backup there has {there.size} leaves, which this home's log of {size} does not continue: "
            "the home is an older copy",
            remedy="restore that backup; or choose another folder, to keep both",
        )
    return there.files


def _copy_home(
    site: Site,
    store: BackupFolder,
    incoming: Path,
    earlier: Mapping[str, BackupFile],
    progress: Progress,
) -> tuple[Moment, _Taken]:
    tables: set[str] = set()
    for _ in range(ROUNDS):
        with progress("copying registry and vault", None):
            moment = take_moment(site, incoming, sorted(tables))
        unsettled = unsettled_tables(moment)
        if unsettled:
            tables |= set(unsettled)
            continue
        taken = _Taken()
        _copy_changing(site, store, taken, moment)
        files = list(named_files(moment))
        with progress("copying files", len(files)) as advance:
            if _copy_unchanging(site, store, taken, _watched(files, advance), earlier):
                return moment, taken
    raise Damaged(
        "files that the registry names are missing or were changed",
        remedy="livinglab fsck names them; restore the home from its last backup",
    )


def _watched(files: Iterable[NamedFile], advance: Advance) -> Iterable[NamedFile]:
    for file in files:
        yield file
        advance(1)


def _copy_changing(site: Site, store: BackupFolder, taken: _Taken, moment: Moment) -> None:
    for path in (moment.stores.registry, moment.stores.vault):
        taken.add(path.name, store.add(path))
    for name, content in (*moment.log_files.items(), *pointer_files(moment)):
        taken.add(name, store.add_bytes(content))
    for name in loose_files(site.home):
        try:
            taken.add(name, store.add(site.home.place(name)))
        except FileNotFoundError:
            continue


def _copy_unchanging(
    site: Site,
    store: BackupFolder,
    taken: _Taken,
    files: Iterable[NamedFile],
    earlier: Mapping[str, BackupFile],
) -> bool:
    """Copy what the backup has not got; False where a file that must be there is gone or another."""
    for named in files:
        known = earlier.get(named.path)
        if known is not None and named.sha256 in (None, known.sha256) and store.holds(known):
            taken.add(named.path, (known, False))
            continue
        try:
            own = taken.add(named.path, store.add(site.home.place(named.path)))
        except FileNotFoundError:
            if not named.optional:
                return False
            continue
        if named.sha256 not in (None, own.sha256):
            return False
    return True
