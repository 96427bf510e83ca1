"""Where alerts go: a program of the site, or an address. Both are bounded in time and in what they answer."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from lakehouse.adapters.bounded_http import exchange
from lakehouse.core.alert_notice import AlertNotice
from lakehouse.core.alerts import AlertSettings
from lakehouse.errors import Unavailable, WrongUse

TOKEN = "LIVINGLAB_ALERTS_TOKEN"
"""The environment variable whose value goes along as a bearer token."""

COMMAND_SECONDS = 20.0
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
"""All that a program gets: no key's place, no password, no token of ours."""

LARGEST_ANSWER = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCommand:
    """A program and its arguments, run without a shell; it gets the alert's text on standard input."""

    command: Sequence[str]
    seconds: float = COMMAND_SECONDS

    @property
    def target(self) -> str:
        """A digest that tells one destination from another without naming it."""
        return hashlib.sha256(json.dumps(["command", *self.command]).encode()).hexdigest()

    def send(self, notice: AlertNotice) -> None:
        """Run the program. Unavailable where it cannot be started, fails or takes too long."""
        remedy = "see [alerts] command of the site file"
        try:
            process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"the alert command cannot be run ({error.strerror})", remedy=remedy) from error
        with process:
            try:
                process.communicate(notice.as_text().encode(), timeout=self.seconds)
            except BaseException as error:
                _end_group(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Unavailable(
                        f"the alert command took over {self.seconds:g} s", remedy=remedy
                    ) from error
                raise
        if process.returncode:
            raise Unavailable(f"the alert command ended with {process.returncode}", remedy=remedy)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a program that has not been waited for, with what it started: its number is still its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAddress:
    """An address that takes a POST of JSON; it stands in no message, because many hold a secret.

    WrongUse: a token that is not printable ASCII.
    """

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.token and not (self.token.isascii() and self.token.isprintable()):
            raise WrongUse(f"{TOKEN} is not printable ASCII", remedy="set it anew, without line ends")

    @property
    def target(self) -> str:
        """A digest that tells one destination from another without naming it."""
        return hashlib.sha256(json.dumps(["url", self.url]).encode()).hexdigest()

    def send(self, notice: AlertNotice) -> None:
        """Post the notice once. Unavailable where nothing within 200 to 299 comes back in time."""
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = exchange(
            "POST",
            self.url,
            largest=LARGEST_ANSWER,
            who="the receiver of alerts",
            content=json.dumps(notice.as_json()).encode(),
            headers=headers,
        )
        if not 200 <= answer.status < 300:
            raise Unavailable(
                f"the receiver of alerts answered {answer.status}",
                remedy=f"see [alerts] url of the site file, and {TOKEN}",
            )


Receiver: TypeAlias = AlertCommand | AlertAddress


def alert_receivers(settings: AlertSettings) -> tuple[Receiver, ...]:
    """Return where a site's alerts go, none where it names no place. WrongUse: the token cannot be sent."""
    found: list[Receiver] = []
    if settings.command:
        found.append(AlertCommand(command=settings.command))
    if settings.url is not None:
        found.append(AlertAddress(url=settings.url, token=os.environ.get(TOKEN)))
    return tuple(found)
