"""A deadline for a whole request of httpx, whose own timeouts are each for one read.

Headers that come byte by byte, or interim answers without end, keep within those for ever.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock, Timer
from typing import Any

CONNECTED = "connection.connect_tcp.complete"
"""What httpcore's trace calls a new connection (https://www.encode.io/httpcore/extensions/#trace)."""


class RequestDeadline:
    """The connections of one request, to be cut from another thread; TLS above them hides none."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._over = False
        self._sockets: list[socket.socket] = []

    @property
    def is_over(self) -> bool:
        """Whether the connections were cut: a body that ends with its connection is then not whole."""
        return self._over

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a connection; to be given to httpx as its extension `trace`."""
        if event != CONNECTED:
            return
        with self._lock:
            self._sockets.append(info["return_value"].get_extra_info("socket").dup())
        if self._over:
            self.cut()

    def cut(self) -> None:
        """End every connection, now and later: whoever reads from it gets an error."""
        with self._lock:
            self._over = True
            for own in self._sockets:
                with suppress(OSError):  # its other side may have ended it already
                    own.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of our own handles; the connections stay."""
        with self._lock:
            for own in self._sockets:
                own.close()


@contextmanager
def request_deadline(seconds: float) -> Iterator[RequestDeadline]:
    """Yield what cuts the connections of a request after so many seconds; at the end nothing waits on."""
    deadline = RequestDeadline()
    timer = Timer(seconds, deadline.cut)
    timer.daemon = True
    with ExitStack() as at_end:
        at_end.callback(deadline.close)
        timer.start()
        at_end.callback(timer.join)
        at_end.callback(timer.cancel)
        yield deadline
