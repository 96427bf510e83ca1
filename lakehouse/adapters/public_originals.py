"""Public originals, fetched from their publishers and held against pinned sizes and SHA-256.

`originals/<name>.tsv` lists every file with each form in which it is known: gaitpdb's publisher serves
walks with CRLF line ends, mirrors with LF; both are the same numbers. Its study Si is not pinned.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path
from typing import IO, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from lakehouse.errors import NotVerified, Unavailable, WrongUse

PUBLISHERS = {"gaitpdb": "https://physionet.org/files/gaitpdb/1.0.0/"}
TIMEOUT_S = 30
CHUNK = 2**18
LARGEST_FILE = 2**26
FetchState = Literal["present", "fetched", "resumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedForm:
    """One form of a file. size: bytes, None where the publisher states only the digest."""

    size: int | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A file that is now there and is one of its pinned forms."""

    path: Path
    size: int
    sha256: str
    state: FetchState


def pinned_files(name: str) -> Mapping[str, tuple[PinnedForm, ...]]:
    """Return the forms of every file of an original.

    Raises:
        WrongUse: nothing of that name is pinned.
    """
    if name not in PUBLISHERS:
        raise WrongUse(f"nothing is pinned under the name {name!r}", remedy=f"names: {', '.join(PUBLISHERS)}")
    forms: dict[str, tuple[PinnedForm, ...]] = {}
    text = (files("lakehouse.adapters") / "originals" / f"{name}.tsv").read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        file, size, sha256, _ = line.split("\t")
        form = PinnedForm(size=int(size) if size else None, sha256=sha256)
        forms[file] = (*forms.get(file, ()), form)
    return forms


def fetch_original(name: str, folder: Path, *, base_url: str | None = None) -> Iterator[FetchedFile]:
    """Fetch what is missing into `folder`/<name> and yield every file, in order of names.

    A file that is there in a pinned form is left alone; one that broke off (`<file>.part`) goes on from
    where it stopped.

    Raises:
        WrongUse: nothing of that name is pinned, or the URL is not http or https.
        Unavailable: the publisher cannot be reached or has not got a file.
        NotVerified: a file arrives in no pinned form; it is not kept.
    """
    forms = pinned_files(name)
    base = base_url or PUBLISHERS[name]
    if urlsplit(base).scheme not in ("http", "https"):
        raise WrongUse("the base URL must begin with http:// or https://")
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(forms):
        yield _fetch_file(f"{base.rstrip('/')}/{quote(file)}", target / file, forms[file])


def _fetch_file(url: str, path: Path, forms: tuple[PinnedForm, ...]) -> FetchedFile:
    if path.is_file() and _known_form(path, forms):
        return _fetched(path, "present")
    part = path.with_name(f"{path.name}.part")
    resumed = part.is_file() and part.stat().st_size > 0
    if resumed:
        resumed = _download(url, part, begin=part.stat().st_size)
    if not part.is_file() or not _known_form(part, forms):
        resumed = _download(url, part, begin=0)
    if not _known_form(part, forms):
        part.unlink()
        raise NotVerified(
            f"{path.name} is not in a form that is pinned", remedy="fetch from the publisher itself", url=url
        )
    part.replace(path)
    return _fetched(path, "resumed" if resumed else "fetched")


def _download(url: str, part: Path, *, begin: int) -> bool:
    """Write the file's bytes from `begin` on behind what `part` holds; from 0 where a server cannot.

    Returns whether the server went on from `begin`.
    """
    request = Request(
        url, headers={"User-Agent": "livinglab", **({"Range": f"bytes={begin}-"} if begin else {})}
    )
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            goes_on = begin > 0 and answer.status == 206
            with part.open("ab" if goes_on else "wb") as sink:
                _copy(answer, sink)
            return goes_on
    except HTTPError as problem:
        if problem.code == 416 and begin:
            return False
        raise Unavailable(
            f"the publisher answers {problem.code} for {part.stem}", remedy="see --base-url", url=url
        ) from problem
    except (URLError, HTTPException, OSError) as problem:
        raise Unavailable(
            f"{part.stem} cannot be fetched: {type(problem).__name__}",
            remedy="run the command again: it goes on where it stopped",
            url=url,
        ) from problem


def _copy(answer: IO[bytes], sink: IO[bytes]) -> None:
    copied = 0
    while block := answer.read(CHUNK):
        copied += len(block)
        if copied > LARGEST_FILE:
            raise NotVerified("the publisher sends more than any pinned file holds")
        sink.write(block)


def _known_form(path: Path, forms: tuple[PinnedForm, ...]) -> bool:
    size = path.stat().st_size
    sha256 = _sha256(path)
    return any(form.sha256 == sha256 and form.size in (None, size) for form in forms)


def _fetched(path: Path, state: FetchState) -> FetchedFile:
    return FetchedFile(path=path, size=path.stat().st_size, sha256=_sha256(path), state=state)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
