"""A receiver of OpenLineage events: one POST an event, bounded in time and bytes, and tried again."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lakehouse.adapters.bounded_http import HttpAnswer, exchange
from lakehouse.errors import Unavailable, WrongUse

LARGEST_ANSWER = 1 << 16
PAUSES = (0.2, 0.8, 3.0)
"""Seconds between tries: a receiver that starts anew is back within them, one that is down is not."""
_BUSY = 429
_REFUSING = frozenset({400, 413, 422})
"""The receiver has read the event and will not have it: sent again, it is refused again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageReceiver:
    """Where events go. `token` is sent as a bearer token and stands in no message.

    pauses: seconds before each further try.
    WrongUse: not an address, one with a password or query, or a token that would travel in clear.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    pauses: tuple[float, ...] = PAUSES

    def __post_init__(self) -> None:
        parts = _address(self.url)
        if self.token and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            raise WrongUse("a token would be sent in clear", remedy="give an https address")
        if self.token and not (self.token.isascii() and self.token.isprintable()):
            raise WrongUse("the token is not printable ASCII", remedy="set it anew, without line ends")

    def send(self, event: Mapping[str, Any]) -> bool:
        """Deliver one event; False where the receiver refuses this one and may take others.

        Unavailable where it is down, takes none from us (401, 403), or is not what it should be (404).
        """
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        answer = self._post(body)
        if answer.status in _REFUSING:
            return False
        if not 200 <= answer.status < 300:
            refused = answer.status in (401, 403)
            raise Unavailable(
                f"the lineage receiver answered {answer.status}",
                remedy="set LIVINGLAB_LINEAGE_TOKEN" if refused else "see what it logs, then replay again",
                status=answer.status,
            )
        return True

    def _post(self, body: bytes) -> HttpAnswer:
        for pause in self.pauses:
            try:
                answer = self._exchange(body)
            except Unavailable:
                self.sleep(pause)
                continue
            if answer.status < 500 and answer.status != _BUSY:
                return answer
            self.sleep(pause)
        return self._exchange(body)

    def _exchange(self, body: bytes) -> HttpAnswer:
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return exchange(
            "POST",
            self.url,
            largest=LARGEST_ANSWER,
            who="the lineage receiver",
            content=body,
            headers=headers,
        )


def _address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and plain
    except ValueError:
        sound = False
    if not sound:
        raise WrongUse(
            "the receiver is not an address without password or query",
            remedy="for example --url http://127.0.0.1:5000/api/v1/lineage",
        )
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
