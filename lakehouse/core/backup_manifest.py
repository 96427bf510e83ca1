"""What a backup holds: every file of a home by its path, size and SHA-256, and the log's head they belong to.

Canonical JSON. A note of the site's log key over the manifest's SHA-256 says whose backup it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias, cast

from lakehouse.core.canonical import canonical_json, is_timestamp, parse_canonical
from lakehouse.core.digests import is_digest
from lakehouse.errors import NotVerified

SCHEMA = "livinglab/backup/v1"
PLACES = ("home.json", "lake", "models", "registry", "registry.db", "reports", "vault.db", "witnesses.toml")
"""What may stand first in the path of a file of a backup."""

_NUMBERS = ("format", "size", "versions", "vault_counter")
_HOME_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_TEXTS = ("home", "origin", "made_at", "root")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """The content of one file: SHA-256 in hex, size in bytes."""

    sha256: str
    size: int


Files: TypeAlias = Mapping[str, BackupFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """One backup.

    home, origin, format: whose, and of which format; made_at: RFC 3339; size, root: the log's head;
    versions: how many table versions it names; vault_counter: that of the copied vault; files: by path.
    """

    home: str
    origin: str
    format: int
    made_at: str
    size: int
    root: str
    versions: int
    vault_counter: int
    files: Files

    @property
    def weight(self) -> int:
        """Return how many bytes the files have together."""
        return sum(file.size for file in self.files.values())

    def render(self) -> bytes:
        """Return the canonical bytes."""
        told = {name: getattr(self, name) for name in (*_NUMBERS, *_TEXTS)}
        files = {path: [file.sha256, file.size] for path, file in self.files.items()}
        return canonical_json({"schema": SCHEMA, **told, "files": files})


def parse_manifest(content: bytes) -> BackupManifest:
    """Return the manifest of canonical bytes; NotVerified where they are none, or a path leaves the home."""
    said = parse_canonical(content, "the manifest")
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        raise NotVerified(f"the manifest is not of the schema {SCHEMA}")
    if set(said) != {"schema", "files", *_NUMBERS, *_TEXTS}:
        raise NotVerified("the manifest has other fields than it should")
    texts, numbers = {name: said[name] for name in _TEXTS}, {name: said[name] for name in _NUMBERS}
    if not all(isinstance(text, str) for text in texts.values()) or not is_timestamp(str(texts["made_at"])):
        raise NotVerified("a text of the manifest is none")
    if not all(type(number) is int and number >= 0 for number in numbers.values()):
        raise NotVerified("a number of the manifest is none")
    if not _HOME_ID.fullmatch(str(texts["home"])):
        raise NotVerified("the manifest names no home: its keys would be looked for anywhere")
    return BackupManifest(files=_parse_files(said["files"]), **texts, **numbers)  # type: ignore[arg-type]


def signed_text(digest: str) -> str:
    """Return what the log key signs for a backup, by its manifest's SHA-256; no checkpoint has this form."""
    return f"{SCHEMA}\n{digest}\n"


def _parse_files(value: object) -> dict[str, BackupFile]:
    if not isinstance(value, dict):
        raise NotVerified("the files of the manifest are no object")
    return {_safe_path(path): _parse_file(file) for path, file in value.items()}


def _parse_file(value: object) -> BackupFile:
    pair = cast("list[object]", value) if isinstance(value, list) and len(value) == 2 else [None, None]
    sha256, size = pair
    if not (isinstance(sha256, str) and is_digest(sha256) and type(size) is int and size >= 0):
        raise NotVerified("a file of the manifest has no SHA-256 and size")
    return BackupFile(sha256=sha256, size=size)


def _safe_path(path: str) -> str:
    """Return a path that stays inside a home, in its one form."""
    parts = path.split("/")
    plain = path == PurePosixPath(path).as_posix() and not {"", ".", ".."} & set(parts) and "\0" not in path
    if not plain or parts[0] not in PLACES:
        raise NotVerified("a file of the manifest lies outside the places of a home")
    return path
