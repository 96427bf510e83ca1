"""Locks between machines: who waits, who may enter again, and what becomes of a lock whose owner is gone."""

import os
import signal
from collections.abc import Iterator

import pytest

from lakehouse.adapters.postgres_locks import PostgresLocks
from lakehouse.adapters.sql_registry import SEALS
from lakehouse.errors import Unavailable
from tests.kept_stores import InPostgres
from tests.postgres_server import PostgresServer


@pytest.fixture
def kept(postgres: PostgresServer) -> Iterator[InPostgres]:
    made = InPostgres(postgres, "the registry", SEALS)
    yield made
    made.drop()


def locks_of(kept: InPostgres, site: str = "one") -> PostgresLocks:
    return PostgresLocks(kept.address, site)


def test_a_lock_keeps_others_out_and_lets_its_thread_in_again(kept: InPostgres) -> None:
    ours, theirs = locks_of(kept), locks_of(kept)
    with ours.hold(["silver.a", "log"]), ours.hold(["log"], 0.0):
        ours.require_held()
        for wait in (0.0, 0.2):
            with pytest.raises(Unavailable, match="log has been written by another process"):
                theirs.hold(["log"], wait).__enter__()
        with theirs.hold(["silver.b"], 0.0), locks_of(kept, "another site").hold(["log"], 0.0):
            pass
    with theirs.hold(["silver.a", "log"], 0.0):
        pass


def test_the_lock_of_a_killed_process_is_free(kept: InPostgres) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with locks_of(kept).hold(["log"]):
            os.write(writing, b"x")
            signal.pause()
    os.read(reading, 1)
    with pytest.raises(Unavailable):
        locks_of(kept).hold(["log"], 0.0).__enter__()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with locks_of(kept).hold(["log"], 60.0):
        pass
    os.close(reading)
    os.close(writing)


def test_who_lost_its_locks_with_their_connection_may_not_commit(kept: InPostgres) -> None:
    """The server frees them at once; whoever takes them writes, so the first must not."""
    ours, theirs = locks_of(kept), locks_of(kept)
    with ours.hold(["log"]):
        kept.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
        with theirs.hold(["log"], 60.0):
            with pytest.raises(Unavailable):
                ours.require_held()
            with pytest.raises(Unavailable), ours.hold(["silver.a"]):
                pass
    with ours.hold(["log"], 0.0):
        ours.require_held()


def test_a_child_takes_locks_of_its_own(kept: InPostgres) -> None:
    """A fork inherits the parent's connection and must neither use nor end it."""
    ours = locks_of(kept)
    with ours.hold(["log"]):
        child = os.fork()
        if child == 0:
            try:
                ours.hold(["log"], 0.0).__enter__()
            except Unavailable:
                with ours.hold(["silver.a"], 0.0):
                    os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        ours.require_held()
