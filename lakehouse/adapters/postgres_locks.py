"""Locks between processes of several machines: session-level advisory locks of PostgreSQL.

They last as long as their connection; one that is lost has freed them, so a commit asks first whether they
are still held (https://www.postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS).
"""

import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg

from lakehouse.adapters.postgres_address import PostgresAddress
from lakehouse.adapters.postgres_failures import named_failures, require_own_session
from lakehouse.adapters.postgres_stores import advisory_key, connect
from lakehouse.errors import Unavailable
from lakehouse.ports import WAIT_SECONDS

WHAT = "the registry"
HELD = """
SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
 WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid()
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
BEGUN = "SELECT pg_backend_pid(), set_config('statement_timeout', '0', false)"
"""How a session of locks begins: whose it is, and that it may wait as long as a lock is wanted."""


@dataclass(slots=True)
class _Session:
    """A thread's connection, of one process, and how often it holds which keys."""

    process: int
    connection: psycopg.Connection
    keys: Counter[int] = field(default_factory=Counter)


class PostgresLocks:
    """The locks of one site, kept by the database of its registry; `site` tells them from another's."""

    def __init__(self, address: PostgresAddress, site: str) -> None:
        self._address = address
        self._site = site
        self._threads = threading.local()

    @contextmanager
    def hold(self, names: Iterable[str], wait: float = WAIT_SECONDS) -> Iterator[None]:
        """Hold one lock a name, taken in order of name; a thread may take again what it holds.

        Raises Unavailable where another living session keeps one of them for longer than `wait` seconds,
        or the server cannot be reached.
        """
        with ExitStack() as held:
            for name in sorted(set(names)):
                held.enter_context(self._one(name, wait))
            yield

    def require_held(self) -> None:
        """Raise Unavailable where this thread's locks were lost with their connection."""
        session = self._session()
        if session is None or not session.keys:
            return
        with self._named():
            there = {int(row[0]) for row in session.connection.execute(HELD)}
        if not session.keys.keys() <= there:
            raise Unavailable(
                f"{WHAT} has given away a lock of this process",
                remedy="run the command again: what was begun is completed or undone",
            )

    @contextmanager
    def _one(self, name: str, wait: float) -> Iterator[None]:
        key = advisory_key("lock", self._site, name)
        session = self._session() or self._begin()
        try:
            self._take(session, key, name, wait)
            session.keys[key] += 1
            try:
                yield
            finally:
                self._give(session, key)
        finally:
            if not session.keys:
                self._end(session)

    def _take(self, session: _Session, key: int, name: str, wait: float) -> None:
        """Wait for a lock; the server counts the time, 0 seconds is one try."""
        with self._named():
            try:
                if wait > 0:
                    session.connection.execute(f"SET lock_timeout = {max(1, int(wait * 1000))}")
                    session.connection.execute("SELECT pg_advisory_lock(%s)", [key])
                    return
                row = session.connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
            except psycopg.errors.LockNotAvailable:
                row = (False,)
        if not (row and row[0]):
            raise Unavailable(
                f"{name} has been written by another process for {wait:.0f} s",
                remedy="wait for it, or stop it",
            )

    def _give(self, session: _Session, key: int) -> None:
        """Free a lock; one whose connection is gone was freed by the server."""
        session.keys[key] -= 1
        if not session.keys[key]:
            del session.keys[key]
        if session.connection.closed or session.process != os.getpid():
            return
        try:
            session.connection.execute("SELECT pg_advisory_unlock(%s)", [key])
        except psycopg.OperationalError:
            session.connection.close()

    def _session(self) -> _Session | None:
        """Return this thread's session; one that a fork inherited belongs to the parent."""
        session: _Session | None = getattr(self._threads, "session", None)
        return session if session is not None and session.process == os.getpid() else None

    def _begin(self) -> _Session:
        with self._named(), ExitStack() as unfinished:
            connection = connect(self._address, autocommit=True)
            unfinished.callback(connection.close)
            said = connection.execute(BEGUN).fetchone()
            require_own_session(connection, int(said[0]) if said else 0, WHAT, self._address.place)
            unfinished.pop_all()
        self._threads.inherited = getattr(self._threads, "session", None)
        self._threads.session = _Session(os.getpid(), connection)
        return self._threads.session  # type: ignore[no-any-return]

    def _end(self, session: _Session) -> None:
        if session.process == os.getpid():
            session.connection.close()
            self._threads.session = None

    def _named(self) -> AbstractContextManager[None]:
        return named_failures(WHAT, self._address.place)
