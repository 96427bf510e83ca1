"""Trained models on disk: `<folder>/<name>/<digest>/`, a signed manifest over every file.

    manifest.json   canonical JSON: schema, name, SHA-256 and size of each file, what it was made from
    manifest.sig    signed note of the site's log key over the manifest's SHA-256, which is the digest
    model.json card.json client.zip server.zip

A compiled circuit is code, so nothing is opened before the signature and every digest are checked,
each time. No file holds pickled objects or native code.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.durable_files import make_private_folder, sync_folder, write_durably
from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.canonical import canonical_json, parse_canonical
from lakehouse.core.checkpoint import parse_note, verify_note
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/model-manifest/v1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
MODEL_FILES = ("card.json", "client.zip", "model.json", "server.zip")
LARGEST_MANIFEST = 65_536
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck:
    """One line of a check: what was looked at, and why it does not hold."""

    name: str
    ok: bool
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model whose signature and digests hold; `files` are the very bytes that were checked."""

    name: str
    digest: str
    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]


class ModelStore:
    """The models of one home; `signer` holds the site's log key."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self._folder = folder
        self._signer = signer

    def save(self, name: str, files: Mapping[str, bytes], made_from: Mapping[str, object]) -> str:
        """Write, sign and sync a model; return its digest. Killed before its end, it leaves no model."""
        manifest = canonical_json(
            {
                "schema": SCHEMA,
                "name": name,
                "files": {own: _describe(files[own]) for own in MODEL_FILES},
                "made_from": dict(made_from),
            }
        )
        digest = hashlib.sha256(manifest).hexdigest()
        signature = self._signer.sign_note(signed_text(name, digest)).render().encode()
        unfinished = self._folder / name / f".{digest}.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        make_private_folder(unfinished)
        for own, content in {**files, MANIFEST: manifest, SIGNATURE: signature}.items():
            write_durably(unfinished / own, content)
        unfinished.rename(self._place(name, digest))
        sync_folder(self._folder / name)
        return digest

    def open(self, name: str, digest: str) -> StoredModel:
        """Return a model after all checks. NotVerified names the first that fails."""
        # (1) the note says this name and digest, and the site's log key signed it
        self.check_signature(name, digest)
        # (2) the manifest is the one of this digest, and of this model
        manifest = self.read_manifest(name, digest)
        # (3) the folder holds the files of the manifest and no other, byte for byte
        self.check_names(name, digest)
        files = {own: self.read_file(name, digest, own, manifest) for own in MODEL_FILES}
        return StoredModel(name=name, digest=digest, manifest=manifest, files=files)

    def checks(self, name: str, digest: str) -> list[ModelCheck]:
        """Return every check of `open`, each on its own."""
        found = [
            _tried("signature", lambda: self.check_signature(name, digest)),
            _tried("manifest", lambda: self.read_manifest(name, digest)),
            _tried("folder", lambda: self.check_names(name, digest)),
        ]
        if not found[1].ok:
            return [*found, *(ModelCheck(name=own, ok=False, why="no manifest") for own in MODEL_FILES)]
        manifest = self.read_manifest(name, digest)
        return [*found, *(self._check_file(name, digest, own, manifest) for own in MODEL_FILES)]

    def check_signature(self, name: str, digest: str) -> None:
        """Raise NotVerified unless the site's log key signed this name and digest."""
        content = self._read(name, digest, SIGNATURE, LARGEST_MANIFEST)
        try:
            note = parse_note(content.decode())
        except UnicodeDecodeError as problem:
            raise NotVerified(f"{SIGNATURE} is not text") from problem
        verify_note(note, self._signer.key, verify_signature)
        if note.text != signed_text(name, digest):
            raise NotVerified(f"{SIGNATURE} speaks of another model")

    def read_manifest(self, name: str, digest: str) -> Mapping[str, Any]:
        """Return the manifest whose SHA-256 is the digest; else NotVerified."""
        content = self._read(name, digest, MANIFEST, LARGEST_MANIFEST)
        if hashlib.sha256(content).hexdigest() != digest:
            raise NotVerified(f"{MANIFEST} is not the one that was signed")
        manifest = parse_canonical(content, MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA or manifest.get("name") != name:
            raise NotVerified(f"{MANIFEST} is not of the schema {SCHEMA}, or of another model")
        return manifest

    def check_names(self, name: str, digest: str) -> None:
        """Raise NotVerified where a file is missing or another one is there."""
        expected = {*MODEL_FILES, MANIFEST, SIGNATURE}
        place = self._place(name, digest)
        there = {path.name for path in place.iterdir()} if place.is_dir() else set()
        if there != expected:
            missing, foreign = len(expected - there), len(there - expected)
            raise NotVerified(f"{missing} files of the model are missing, {foreign} are foreign")

    def read_file(self, name: str, digest: str, own: str, manifest: Mapping[str, Any]) -> bytes:
        """Return the bytes of one file that equals its entry in the manifest; else NotVerified."""
        described = manifest["files"][own]
        content = self._read(name, digest, own, described["size"])
        if _describe(content) != described:
            raise NotVerified(f"{own} is not the file that was signed")
        return content

    def digests(self, name: str) -> tuple[str, ...]:
        """Return the digests of the model's folders, signed or not."""
        names = (path.name for path in (self._folder / name).glob("*"))
        return tuple(sorted(own for own in names if _DIGEST.fullmatch(own)))

    def remove(self, name: str, digest: str) -> None:
        """Remove a model's folder."""
        shutil.rmtree(self._place(name, digest), ignore_errors=True)

    def _check_file(self, name: str, digest: str, own: str, manifest: Mapping[str, Any]) -> ModelCheck:
        return _tried(own, lambda: self.read_file(name, digest, own, manifest))

    def _place(self, name: str, digest: str) -> Path:
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
            raise NotVerified("a model's name or digest is malformed")
        return self._folder / name / digest

    def _read(self, name: str, digest: str, own: str, most: int) -> bytes:
        path = self._place(name, digest) / own
        if path.is_symlink() or not path.is_file():
            raise NotVerified(f"{own} of the model is missing or not a plain file")
        if path.stat().st_size > most:
            raise NotVerified(f"{own} of the model is larger than what was signed")
        return path.read_bytes()


def signed_text(name: str, digest: str) -> str:
    """Return what the site's log key signs for a model; no checkpoint has this form."""
    return f"livinglab/model/v1\n{name}\n{digest}\n"


def _describe(content: bytes) -> dict[str, object]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _tried(name: str, check: Callable[[], object]) -> ModelCheck:
    try:
        check()
    except NotVerified as problem:
        return ModelCheck(name=name, ok=False, why=problem.message)
    return ModelCheck(name=name, ok=True)
