"""A backup on disk: files by their SHA-256, and one note that says which of them are the backup.

    backup.note             signed note over the SHA-256 of the manifest, replaced in one step
    objects/ab/ab12…        a file's bytes, the manifest's too; never changed
    incoming/               what is being copied; emptied

A run that is stopped leaves the backup before it whole. Everything is private (0600 in folders of 0700).
"""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lakehouse.adapters.durable_files import make_private_folder, sync_folder, write_durably
from lakehouse.adapters.signatures import Signer
from lakehouse.core.backup_manifest import BackupFile, BackupManifest, parse_manifest, signed_text
from lakehouse.core.checkpoint import SignedNote, parse_note
from lakehouse.core.digests import is_digest
from lakehouse.errors import Damaged, NotReady, NotVerified, Unavailable, WrongUse

NOTE, OBJECTS, INCOMING, LOCK = "backup.note", "objects", "incoming", "lock"
CHUNK = 1 << 20
LARGEST_NOTE = 4096


class BackupFolder:
    """One folder of one home's backup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def sole_writer(self) -> Iterator[Path]:
        """Make the folder and yield a private one in it for what is being copied.

        WrongUse where the folder holds other things or links, Unavailable where another process is making a
        backup here or it cannot be made.
        """
        if not (self.folder / NOTE).exists() and not self.is_empty():
            raise WrongUse("the folder of the backup holds other things", remedy="choose an empty folder")
        self._refuse_links()
        make_folder(self.folder, "the folder of the backup")
        handle = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise Unavailable("another backup is being made in this folder", remedy="wait for it") from error
        incoming = self.folder / INCOMING
        try:
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir(mode=0o700)
            yield incoming
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
            os.close(handle)

    def is_empty(self) -> bool:
        """Say whether nothing but our own marks lies here."""
        if self.folder.exists() and not self.folder.is_dir():
            return False
        names = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        return not names - {OBJECTS, INCOMING, LOCK}

    def place_of(self, sha256: str) -> Path:
        """Return where the bytes of that digest lie."""
        return self.folder / OBJECTS / sha256[:2] / sha256

    def holds(self, file: BackupFile) -> bool:
        """Say whether a file of that digest and size lies here; its bytes are not read."""
        place = self.place_of(file.sha256)
        return place.is_file() and not place.is_symlink() and place.stat().st_size == file.size

    def add(self, source: Path) -> tuple[BackupFile, bool]:
        """Take a file in; return its digest and size, and whether it was new. Links are not followed."""
        incoming = self.folder / INCOMING / secrets.token_hex(8)
        digest, size = hashlib.sha256(), 0
        with _plain_file(source) as given, _new_file(incoming) as taken:
            while block := given.read(CHUNK):
                digest.update(block)
                size += len(block)
                taken.write(block)
        return self._settle(incoming, BackupFile(sha256=digest.hexdigest(), size=size))

    def add_bytes(self, content: bytes) -> tuple[BackupFile, bool]:
        """Take bytes in, as `add` takes a file."""
        incoming = self.folder / INCOMING / secrets.token_hex(8)
        with _new_file(incoming) as taken:
            taken.write(content)
        own = BackupFile(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        return self._settle(incoming, own)

    def write_manifest(self, manifest: BackupManifest, signer: Signer) -> None:
        """Let this be the backup from now on; what no file of it needs is removed."""
        own, _ = self.add_bytes(manifest.render())
        for folder in {self.place_of(file.sha256).parent for file in (own, *manifest.files.values())}:
            sync_folder(folder)
        sync_folder(self.folder / OBJECTS)
        write_durably(self.folder / NOTE, signer.sign_note(signed_text(own.sha256)).render().encode())
        self._prune({own.sha256, *(file.sha256 for file in manifest.files.values())})

    def read_manifest(self) -> tuple[SignedNote, BackupManifest]:
        """Return the backup's note, whose signatures are not checked yet, and the manifest that it names.

        Raises NotReady where there is no backup, NotVerified where it cannot be read.
        """
        note = parse_note(self._note())
        digest = note.text.splitlines()[-1]
        if note.text != signed_text(digest) or not is_digest(digest):
            raise NotVerified(f"{NOTE} is not that of a backup")
        return note, parse_manifest(self.read(digest))

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a digest; NotVerified where they are missing or others."""
        try:
            content = self.place_of(sha256).read_bytes()
        except OSError as error:
            raise NotVerified("a file of the backup is missing") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise NotVerified("a file of the backup was changed")
        return content

    def is_sound(self, file: BackupFile) -> bool:
        """Read a file's bytes and say whether they are those of its digest."""
        if not self.holds(file):
            return False
        with self.place_of(file.sha256).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256

    def copy_out(self, file: BackupFile, target: Path) -> None:
        """Write a file of the backup to `target`, private; NotVerified where its bytes are others."""
        make_private_folder(target.parent)
        digest = hashlib.sha256()
        with self.place_of(file.sha256).open("rb") as kept, _new_file(target) as out:
            while block := kept.read(CHUNK):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != file.sha256:
            raise NotVerified("a file of the backup was changed")

    def _settle(self, incoming: Path, file: BackupFile) -> tuple[BackupFile, bool]:
        """Put the bytes in their place, also where there are some already: those may have gone bad."""
        place, known = self.place_of(file.sha256), self.holds(file)
        make_private_folder(place.parent)
        incoming.replace(place)
        return file, not known

    def _refuse_links(self) -> None:
        """Raise WrongUse where a place of ours is a link: we would copy or remove files elsewhere."""
        note, lock, objects = (self.folder / name for name in (NOTE, LOCK, OBJECTS))
        linked = any(
            path.is_symlink() for path in (note, lock, objects, self.folder / INCOMING, *objects.glob("*"))
        )
        if linked or any(path.exists() and not path.is_file() for path in (note, lock)):
            raise WrongUse(
                "the folder of the backup holds a link or what is no file of a backup",
                remedy="see who put it there; choose an empty folder",
            )

    def _note(self) -> str:
        if not (self.folder / NOTE).is_file():
            raise NotReady("there is no backup in this folder", remedy="livinglab backup DIR")
        try:
            with (self.folder / NOTE).open("rb") as file:
                return file.read(LARGEST_NOTE).decode("utf-8")
        except OSError as error:
            raise NotReady("there is no backup in this folder", remedy="livinglab backup DIR") from error
        except UnicodeDecodeError as error:
            raise NotVerified(f"{NOTE} is not UTF-8") from error

    def _prune(self, needed: set[str]) -> None:
        """Remove the files that no backup needs; nothing that lies behind a link is ours."""
        for place in (self.folder / OBJECTS).glob("*/*"):
            if place.name not in needed and place.is_file() and not place.parent.is_symlink():
                place.unlink()


def make_folder(folder: Path, what: str) -> None:
    """Make a private folder; Unavailable where that cannot be done."""
    try:
        make_private_folder(folder)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise Unavailable(
            f"{what} cannot be made", remedy="choose another place, or mount its disk"
        ) from error


@contextmanager
def _plain_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the home for reading; Damaged where it is a link, which could lead anywhere."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Damaged("a file of the home is a link", remedy="livinglab fsck names it") from error
    with os.fdopen(handle, "rb") as file:
        yield file


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
