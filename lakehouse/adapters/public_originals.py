"""Public originals, fetched from their publishers and held against pinned sizes and SHA-256.

`originals/<name>.tsv` lists every file with each form in which it is known: gaitpdb's publisher serves
walks with CRLF line ends, mirrors with LF; both are the same numbers. Its study Si is not pinned, nor are 12
of the 17 recordings of daphnet, which its publisher serves as one zip: they are left out.
"""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from lakehouse.adapters.resumable_download import download
from lakehouse.errors import NotVerified, WrongUse

PUBLISHERS = {
    "gaitpdb": "https://physionet.org/files/gaitpdb/1.0.0/",
    "daphnet": "https://archive.ics.uci.edu/static/public/245/daphnet+freezing+of+gait.zip",
}
LARGEST_FILE = 2**26
MOST_MEMBERS = 1000
FetchState = Literal["present", "fetched", "resumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedForm:
    """One form of a file. size: bytes, None where the publisher states only the digest."""

    size: int | None
    sha256: str


Forms = tuple[PinnedForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A file that is now there and is one of its pinned forms."""

    path: Path
    size: int
    sha256: str
    state: FetchState


def pinned_files(name: str) -> Mapping[str, Forms]:
    """Return the forms of every file of an original.

    Raises:
        WrongUse: nothing of that name is pinned.
    """
    if name not in PUBLISHERS:
        raise WrongUse(f"nothing is pinned under the name {name!r}", remedy=f"names: {', '.join(PUBLISHERS)}")
    forms: dict[str, Forms] = {}
    text = (files("lakehouse.adapters") / "originals" / f"{name}.tsv").read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        file, size, sha256, _ = line.split("\t")
        form = PinnedForm(size=int(size) if size else None, sha256=sha256)
        forms[file] = (*forms.get(file, ()), form)
    return forms


def fetch_original(name: str, folder: Path, *, base_url: str | None = None) -> Iterator[FetchedFile]:
    """Fetch what is missing into `folder`/<name> and yield every file, in order of names.

    A file that is there in a pinned form is left alone; one that broke off (`<file>.part`) goes on from
    where it stopped. An address that ends in `.zip` is one archive of all files.

    Raises:
        WrongUse: nothing of that name is pinned, or the URL is not http or https.
        Unavailable: the publisher cannot be reached, breaks off, or has not got a file.
        NotVerified: a file arrives in no pinned form; it is not kept.
    """
    forms = pinned_files(name)
    base = base_url or PUBLISHERS[name]
    if urlsplit(base).scheme not in ("http", "https"):
        raise WrongUse("the base URL must begin with http:// or https://")
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    if urlsplit(base).path.endswith(".zip"):
        yield from _fetch_archive(base, target, forms)
        return
    for file in sorted(forms):
        yield _fetch_file(f"{base.rstrip('/')}/{quote(file)}", target / file, forms[file])


def _fetch_file(url: str, path: Path, forms: Forms) -> FetchedFile:
    if _is_there(path, forms):
        return _fetched(path, "present")
    part = path.with_name(f"{path.name}.part")
    resumed = download(url, part, largest=LARGEST_FILE, what=path.name)
    if resumed and not _known_form(part, forms):
        part.unlink()
        resumed = download(url, part, largest=LARGEST_FILE, what=path.name)
    if not _known_form(part, forms):
        raise _unknown(part, path.name, url)
    part.replace(path)
    return _fetched(path, "resumed" if resumed else "fetched")


def _unknown(part: Path, name: str, url: str) -> NotVerified:
    """Remove what arrived, and say what it looks like."""
    with part.open("rb") as file:
        is_page = file.read(256).lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
    part.unlink()
    problem = "is a web page, not the file" if is_page else "is not in a form that is pinned"
    return NotVerified(f"{name} {problem}", remedy="fetch from the publisher itself", url=url)


def _fetch_archive(url: str, target: Path, forms: Mapping[str, Forms]) -> Iterator[FetchedFile]:
    missing = [name for name in sorted(forms) if not _is_there(target / name, forms[name])]
    state: FetchState = "fetched"
    if missing:
        part = target / "archive.zip.part"
        wanted = {name: forms[name] for name in missing}
        if download(url, part, largest=LARGEST_FILE, what="the archive"):
            state = "resumed"
        if state == "resumed" and not zipfile.is_zipfile(part):
            part.unlink()
            download(url, part, largest=LARGEST_FILE, what="the archive")
        _unpack(part, target, wanted, url)
        part.unlink()
    for name in sorted(forms):
        yield _fetched(target / name, state if name in missing else "present")


def _unpack(part: Path, target: Path, forms: Mapping[str, Forms], url: str) -> None:
    """Write the members that are pinned, wherever in the archive they lie; all others are left in it."""
    try:
        with zipfile.ZipFile(part) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise NotVerified(f"the archive has {len(members)} members, at most {MOST_MEMBERS}")
            for name, pinned in forms.items():
                named = [own for own in members if own.filename.rpartition("/")[2] == name]
                _write_member(archive, named, target / name, pinned)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as problem:
        raise _unknown(part, "the archive", url) from problem
    except NotVerified:
        part.unlink(missing_ok=True)
        raise


def _write_member(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], path: Path, forms: Forms) -> None:
    largest = max(form.size or LARGEST_FILE for form in forms)
    for member in members:
        with archive.open(member) as stream:
            content = stream.read(largest + 1)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content)
        if _is_there(part, forms):
            part.replace(path)
            return
        part.unlink()
    raise NotVerified(
        f"the archive has {path.name} in no form that is pinned", remedy="fetch from the publisher itself"
    )


def _is_there(path: Path, forms: Forms) -> bool:
    return path.is_file() and _known_form(path, forms)


def _known_form(path: Path, forms: Forms) -> bool:
    size = path.stat().st_size
    sha256 = _sha256(path)
    return any(form.sha256 == sha256 and form.size in (None, size) for form in forms)


def _fetched(path: Path, state: FetchState) -> FetchedFile:
    return FetchedFile(path=path, size=path.stat().st_size, sha256=_sha256(path), state=state)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
