"""What goes wrong in Spark and is no fault of ours: a full disk, a server that has gone, as our errors.

Spark says such things only in words, and the words may hold paths: they are looked at, not repeated.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from lakehouse.errors import Unavailable

CONNECT_PORT = 15002
ANSWER_SECONDS = 10.0
RETRIES, LONGEST_PAUSE = 8, 4000
"""How often a call that met no server is repeated, and the longest pause in ms: 20 to 25 s in all.

Spark Connect's own default is 15 times over ten minutes, and once more when the process ends.
"""

_NO_SPACE = ("No space left on device", "Disk quota exceeded")
_READ_ONLY = ("Read-only file system",)
_TOO_MANY_FILES = ("Too many open files",)
_GONE = (
    "RETRIES_EXCEEDED", "SESSION_NOT_FOUND", "SESSION_CHANGED", "SESSION_CLOSED", "OPERATION_NOT_FOUND",
    "Connection refused", "failed to connect to all addresses", "Socket closed", "Answer from Java side",
    "Error while obtaining a new communication channel", "StatusCode.UNAVAILABLE",
)  # fmt: skip
_SAID: Mapping[tuple[str, ...], tuple[str, str]] = {
    _NO_SPACE: ("there is no space left on the disk", "free some space, then run the command again"),
    _READ_ONLY: ("Spark met a disk that is read-only", "make lake and work of the home writable"),
    _TOO_MANY_FILES: ("Spark has too many files open", "raise its limit: ulimit -n 4096"),
    _GONE: ("the Spark server ended under the command", "start it, then run the command again"),
}


@contextmanager
def named_failures() -> Iterator[None]:
    """Raise Unavailable for what the disk or a server did to Spark; other failures pass as they are."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error


def _named(error: BaseException) -> Unavailable | None:
    text = f"{type(error).__name__} {error!r} {error} {getattr(error, 'java_exception', '')}"
    if isinstance(error, ConnectionError):
        text = _GONE[0]
    for words, (message, remedy) in _SAID.items():
        if any(word in text for word in words):
            return Unavailable(message, remedy=remedy)
    return None


def require_answer(address: str) -> None:
    """Raise Unavailable where nothing listens at `sc://host:port`: Spark would try for ten minutes."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port or CONNECT_PORT), ANSWER_SECONDS).close()
    except OSError as error:
        raise Unavailable(
            f"the Spark Connect server {parts.hostname}:{parts.port or CONNECT_PORT} does not answer",
            remedy="start it, or use local[2]",
        ) from error


def limit_waiting(session: Any) -> None:
    """Let a Spark Connect session wait seconds, not minutes, for a server that has gone."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES, max_backoff=LONGEST_PAUSE)])
