"""Requests whose answers are bounded in bytes and time, for partners who need not mean well."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lakehouse.adapters.request_deadline import request_deadline
from lakehouse.errors import Unavailable

if TYPE_CHECKING:
    import httpx

STEP_SECONDS = 5.0
"""Longest wait for one step: connecting, or the next bytes of an answer."""

ANSWER_SECONDS = 20.0
"""Longest wait for a whole answer, its headers included."""

_PLAIN = {"accept-encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """Status, content type and body of an answer."""

    status: int
    content_type: str
    body: bytes


def exchange(
    method: str,
    url: str,
    *,
    largest: int,
    who: str,
    content: bytes | None = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Send one request and return its answer of at most `largest` bytes; redirects are not followed.

    Raises Unavailable naming `who` where there is no answer within bounds.
    """
    import httpx

    try:
        with (
            request_deadline(ANSWER_SECONDS) as deadline,
            httpx.Client(timeout=STEP_SECONDS, headers=_PLAIN, verify=_authorities()) as client,
            client.stream(
                method,
                url,
                content=content,
                params=params,
                headers=headers,
                extensions={"trace": deadline.trace},
            ) as response,
        ):
            body = _read_bounded(response, largest)
            if deadline.is_over:
                raise httpx.ReadTimeout("an answer is too slow", request=response.request)
            return HttpAnswer(
                status=response.status_code,
                content_type=response.headers.get("content-type", ""),
                body=body,
            )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"{who} does not answer ({type(error).__name__})", remedy="see that it runs, then try again"
        ) from error


@cache
def _authorities() -> ssl.SSLContext:
    """Return the certificates that this machine trusts; reading them takes longer than most requests."""
    return ssl.create_default_context()


def _read_bounded(response: "httpx.Response", largest: int) -> bytes:
    import httpx

    content = bytearray()
    # Raw bytes: what an answer unpacks to has no bound.
    for part in response.iter_raw():
        content += part
        if len(content) > largest:
            raise httpx.DecodingError("an answer is too large", request=response.request)
    return bytes(content)
