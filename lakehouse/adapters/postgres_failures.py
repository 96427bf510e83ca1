"""What goes wrong with PostgreSQL, in our own words.

Its texts name tables, parameters, hosts and roles and are dropped; its codes say enough
(https://www.postgresql.org/docs/15/errcodes-appendix.html). A refused connection has no code, only a text.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from lakehouse.errors import Damaged, LivingLabError, Unavailable, UnreadableInput

UNREACHABLE = "see whether its server runs and can be reached from here"
ROLE = "check role and password of the site file's [stores], and the grants in docs/postgresql.md"
BUSY = "another process holds it, or it is slow: try again"

BY_CODE: Mapping[str, tuple[str, str]] = {
    "25006": ("is read-only", "name the primary server, not a standby"),
    "28": ("does not let this role in", ROLE),
    "3D": ("is not there: no such database", ROLE),
    "3F": ("is missing", "restore it from its backup, or start a new home"),
    "40": ("was changed by two at once", "try again"),
    "42501": ("does not grant this role what it needs", ROLE),
    "42P01": ("is missing", "restore it from its backup, or start a new home"),
    "53100": ("has no space left on its disk", "free some space on the server, then repeat"),
    "53": ("has no connection or memory to spare", "raise max_connections of its server, then repeat"),
    "55P03": ("is held by another process", BUSY),
    "57014": ("did not answer in time", BUSY),
    "57": ("has been stopped or is starting", UNREACHABLE),
    "58": ("cannot use its disk", "see the log of its server"),
    "08": ("cannot be reached", UNREACHABLE),
}
"""What a code, or the class that it begins with, says and what helps: all of it Unavailable."""

UNPROVEN = (
    "does not prove who it is over TLS",
    "name its root certificate in the address (sslrootcert=), or the sslmode that holds there",
)
POOLED = (
    "is reached through a connection pooler, which gives sessions to others",
    "name the PostgreSQL server itself in [stores]: locks belong to a session (docs/postgresql.md)",
)
WORDS: tuple[tuple[tuple[str, ...], tuple[str, str]], ...] = (
    (("unsupported startup parameter",), POOLED),
    (("password", "authentication", "pg_hba", "not permitted to log in", "permission denied"), BY_CODE["28"]),
    (("role ",), BY_CODE["28"]),
    (("ssl", "certificate"), UNPROVEN),
    (("starting up", "shutting down", "recovery"), BY_CODE["57"]),
    (("too many", "connection slots"), BY_CODE["53"]),
    (("does not exist",), BY_CODE["3D"]),
)
"""What a refused connection says, by the words of PostgreSQL's text, the first that fit."""


@contextmanager
def named_failures(what: str, place: str) -> Iterator[None]:
    """Turn PostgreSQL's failures into ours; `what` is how messages call the database, `place` where it is."""
    try:
        yield
    except exc.DBAPIError as failure:
        raise explain(failure.orig, what, place) from None
    except psycopg.Error as failure:
        raise explain(failure, what, place) from None


def require_own_session(connection: psycopg.Connection, backend: int, what: str, place: str) -> None:
    """Raise Unavailable where somebody stands between us and the process `backend` that serves us.

    The number that came with the connection is the server process's own, unless a pooler sent it: PgBouncer
    makes one up for each client (https://www.pgbouncer.org/usage.html, on cancel keys in SHOW CLIENTS).
    """
    if connection.info.backend_pid != backend:
        problem, remedy = POOLED
        raise Unavailable(f"{what} {problem}", remedy=remedy, place=place)


def explain(failure: BaseException | None, what: str, place: str) -> LivingLabError:
    """Return the error of ours that a failure of psycopg is."""
    code = getattr(failure, "sqlstate", None)
    if code is None and isinstance(failure, psycopg.OperationalError):
        problem, remedy = _without_code(str(failure).lower())
        return Unavailable(f"{what} {problem}", remedy=remedy, place=place)
    for known in (code or "", (code or "")[:2]):
        if known in BY_CODE:
            problem, remedy = BY_CODE[known]
            return Unavailable(f"{what} {problem}", remedy=remedy, place=place)
    if isinstance(failure, psycopg.DataError):
        return UnreadableInput(
            f"{what} cannot keep a text: it holds a character that PostgreSQL refuses, as NUL",
            remedy="take the character out",
        )
    return Damaged(f"{what} cannot be read", remedy=f"restore {place} from its backup", place=place)


def _without_code(text: str) -> tuple[str, str]:
    """Tell who is not let in from what cannot be reached."""
    return next((said for words, said in WORDS if any(word in text for word in words)), BY_CODE["08"])
