"""A pooler before the database is noticed when a home is opened, and the sentence says what to do.

What stands between is a stand-in that does to the wire what PgBouncer does: it makes up the number of the
server's process, or refuses our settings.
"""

import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.adapters import postgres_locks, postgres_stores
from lakehouse.adapters.postgres_locks import PostgresLocks
from lakehouse.adapters.postgres_stores import PostgresStore
from lakehouse.adapters.sql_registry import SEALS
from lakehouse.errors import Unavailable
from tests.kept_stores import InPostgres
from tests.postgres_server import PostgresServer

SOCKET = ".s.PGSQL.5432"
REFUSAL = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[str]:
    """Let `serve` have each connection, in a thread of its own; yields the folder that libpq is given."""
    folder = Path(tempfile.mkdtemp(prefix="pool-"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / SOCKET))
        server.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield str(folder)
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            shutil.rmtree(folder)


def relay_to(target: Path) -> Serve:
    """Pass everything on, but for the number of the server's process."""

    def serve(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(target / SOCKET))
            sending = threading.Thread(target=pump, args=(client, server), daemon=True)
            sending.start()
            stream = server.makefile("rb")
            while head := stream.read(5):
                kind, length = struct.unpack("!cI", head)
                body = stream.read(length - 4)
                if kind == b"K":
                    body = struct.pack("!I", struct.unpack("!I", body[:4])[0] + 1) + body[4:]
                with suppress(OSError):
                    client.sendall(head + body)

    return serve


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def refuse(client: socket.socket) -> None:
    with client:
        client.recv(65536)
        client.sendall(b"E" + struct.pack("!I", len(REFUSAL) + 4) + REFUSAL)


@pytest.fixture
def kept(postgres: PostgresServer) -> Iterator[InPostgres]:
    made = InPostgres(postgres, "the registry", SEALS)
    yield made
    made.drop()


def uses(kept: InPostgres, folder: str) -> dict[str, Callable[[], object]]:
    """What a home does first: ask whether its store is there; take a lock."""
    address = replace(kept.address, parameters={**kept.address.parameters, "host": folder})
    return {
        "asked": PostgresStore(address, "the registry", SEALS).exists,
        "locked": PostgresLocks(address, "one").hold(["log"], 0.0).__enter__,
    }


@pytest.mark.parametrize("use", ["asked", "locked"])
def test_a_number_that_is_not_the_servers_is_a_poolers(
    kept: InPostgres, postgres: PostgresServer, use: str
) -> None:
    uses(kept, str(postgres.folder))[use]()
    with (
        listening(relay_to(postgres.folder)) as folder,
        pytest.raises(Unavailable, match="the registry is reached through a connection pooler") as said,
    ):
        uses(kept, folder)[use]()
    assert said.value.exit_code == 7 and "name the PostgreSQL server itself" in said.value.remedy


@pytest.mark.parametrize("use", ["asked", "locked"])
def test_without_the_look_nobody_would_know(
    kept: InPostgres, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    """The broken variant goes on, and its locks are whoever's the pooler likes."""
    for module in (postgres_locks, postgres_stores):
        monkeypatch.setattr(module, "require_own_session", lambda *_looked_at: None)
    with listening(relay_to(postgres.folder)) as folder:
        uses(kept, folder)[use]()


def test_a_pooler_that_refuses_our_settings_is_named_too(kept: InPostgres) -> None:
    with listening(refuse) as folder, pytest.raises(Unavailable, match="through a connection pooler"):
        uses(kept, folder)["asked"]()
