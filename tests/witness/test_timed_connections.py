"""A witness's connections end when nothing is asked on them, and not while something is answered."""

import asyncio
from typing import Any, ClassVar

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from lakehouse.adapters import timed_connections
from lakehouse.adapters.timed_connections import TimedConnection

PERIOD = 0.05
REQUEST = b"GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n"


class Looked(TimedConnection):
    """One whose looks are told by the test, not by the clock."""

    made: ClassVar[list["Looked"]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.made.append(self)


class Impatient(Looked):
    """Broken on purpose: closes though a request is being answered."""

    def _close_idle(self) -> None:
        self.transport.close()


async def slow_app(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer after several looks at the newest connection."""
    for _ in range(4):
        Looked.made[-1]._close_idle()
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})


async def read_all(protocol: type[H11Protocol], sent: bytes, patience: float) -> bytes:
    """Return what a server says until it closes; TimeoutError where it never does."""
    config = uvicorn.Config(slow_app, log_level="critical")
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), patience)
    finally:
        writer.close()
        server.close()


@pytest.mark.parametrize("sent", [b"", REQUEST[:20]])
def test_a_connection_that_asks_nothing_is_closed(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: uvicorn's own waits for ever, and 2,048 of them keep everybody else out."""
    monkeypatch.setattr(timed_connections, "IDLE_SECONDS", PERIOD)
    assert asyncio.run(read_all(TimedConnection, sent, 300)) == b""
    with pytest.raises(TimeoutError):
        asyncio.run(read_all(H11Protocol, sent, 4 * PERIOD))


def test_one_that_is_being_answered_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_connections, "IDLE_SECONDS", 300.0)
    assert b"answered" in asyncio.run(read_all(Looked, REQUEST, 300))
    assert b"answered" not in asyncio.run(read_all(Impatient, REQUEST, 300))
