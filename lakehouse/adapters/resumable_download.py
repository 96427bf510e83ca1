"""One file over HTTP to disk, going on where it broke off (RFC 9110, sections 14.2, 14.4 and 15.3.7).

Every byte that arrives is in the file before the next is asked for, so a cut or killed download loses none.
"""

import time
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lakehouse.errors import NotVerified, Unavailable

TIMEOUT_S = 30
CHUNK = 2**18
ATTEMPTS = 5
"""How often a download may break off without a byte more than before."""

PATIENCE_S = 60.0
SLOWEST = 1024
"""Bytes a second, over PATIENCE_S; a server that drips would hold the command for ever."""


class _WebRedirects(HTTPRedirectHandler):
    """Follows redirects to web addresses only."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise HTTPError(newurl, code, "a redirect that is no web address", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """One answer: whether it was whole, and whether the server went on from where the file ended."""

    whole: bool
    went_on: bool


def download(url: str, part: Path, *, largest: int, what: str) -> bool:
    """Bring `part` to its end and say whether an earlier beginning of it was gone on with.

    Where the connection breaks it goes on by itself. What arrived is kept whatever happens.

    Raises Unavailable (no answer, an error, too slow, breaks off again and again), NotVerified (more than
    `largest` bytes).
    """
    began = _size(part)
    went_on, left, most = False, ATTEMPTS, began
    while left:
        arrived = _fetch(url, part, largest, what)
        went_on = went_on or (arrived.went_on and began > 0)
        if arrived.whole:
            return went_on
        left = ATTEMPTS if _size(part) > most else left - 1
        most = max(most, _size(part))
    raise Unavailable(
        f"{what} breaks off again and again at {most} bytes",
        remedy="run the command again: it goes on where it stopped",
        url=url,
    )


def _fetch(url: str, part: Path, largest: int, what: str) -> _Arrived:
    begin = _size(part)
    asked = {"User-Agent": "livinglab", "Accept-Encoding": "identity"}
    if begin:
        asked["Range"] = f"bytes={begin}-"
    try:
        with build_opener(_WebRedirects).open(Request(url, headers=asked), timeout=TIMEOUT_S) as answer:
            return _take(answer, part, begin, largest, what)
    except HTTPError as problem:
        if problem.code == 416 and begin:
            return _Arrived(whole=True, went_on=True)
        raise Unavailable(
            f"the publisher answers {problem.code} for {what}", remedy="see --base-url", url=url
        ) from problem
    except (ConnectionResetError, BrokenPipeError, HTTPException):
        return _Arrived(whole=False, went_on=True)
    except (URLError, OSError) as problem:
        raise Unavailable(
            f"{what} cannot be fetched: {type(problem).__name__}",
            remedy="run the command again: it goes on where it stopped",
            url=url,
        ) from problem


def _take(answer: HTTPResponse, part: Path, begin: int, largest: int, what: str) -> _Arrived:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Unavailable(f"the publisher packs {what}, though asked not to", remedy="see --base-url")
    went_on = answer.status == 206 and _begins_at(answer.headers, begin)
    if answer.status == 206 and not went_on:
        part.unlink()
        return _Arrived(whole=False, went_on=False)
    length = answer.headers.get("Content-Length")
    with part.open("ab" if went_on else "wb") as sink:
        arrived = _copy(answer, sink, largest - (begin if went_on else 0), what)
    return _Arrived(whole=length is None or str(arrived) == length.strip(), went_on=went_on)


def _begins_at(headers: Message, begin: int) -> bool:
    """Say whether a partial answer begins where it was asked to; some servers do not say."""
    said = headers.get("Content-Range")
    return said is None or said.startswith(f"bytes {begin}-")


def _copy(answer: HTTPResponse, sink: BinaryIO, room: int, what: str) -> int:
    copied, window, since = 0, 0, time.monotonic()
    while block := answer.read1(CHUNK):
        copied += len(block)
        window += len(block)
        if copied > room:
            raise NotVerified("the publisher sends more than any pinned file holds")
        sink.write(block)
        sink.flush()
        passed = time.monotonic() - since
        if passed > PATIENCE_S:
            if window < SLOWEST * passed:
                raise Unavailable(
                    f"{what} comes at {window / passed:.0f} bytes a second",
                    remedy="run the command again later: it goes on where it stopped",
                )
            window, since = 0, time.monotonic()
    return copied


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
