"""What two adapters provide each: a database of ours, and locks between processes.

SQLite and files of the home, or PostgreSQL (docs/postgresql.md); `lakehouse.sites` chooses.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

WAIT_SECONDS = 900.0


class Store(Protocol):
    """A database that keeps tables of ours: one writer at a time, readers see one state.

    Every method raises Unavailable (7) where the database cannot be used now and Damaged (6) where it
    cannot be read; no connection outlives its block, so none crosses a fork.
    """

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""

    @property
    def place(self) -> str:
        """What messages call it: the file's name, or schema and database; never a user or password."""

    def exists(self) -> bool:
        """Say whether the database holds tables of ours."""

    def creating(self) -> AbstractContextManager["Connection"]:
        """Make the place for the tables and yield the only one who may make them; commits at the end."""

    def writing(self) -> AbstractContextManager["Connection"]:
        """Yield the only writer; commits at the end, rolls back on any error."""

    def reading(self) -> AbstractContextManager["Connection"]:
        """Yield a reader of one state, which holds up no writer."""

    def foreign_objects(self, connection: "Connection", metadata: "MetaData") -> list[str]:
        """Return what is not made as ours is: tables, views, triggers and whatever else could act."""

    def purge(self, *tables: str) -> None:
        """Let go of the bytes of deleted and replaced rows, as far as the database can."""


class Locks(Protocol):
    """Locks by name between processes; a thread may take again what it holds."""

    def hold(self, names: Iterable[str], wait: float = WAIT_SECONDS) -> AbstractContextManager[None]:
        """Hold one lock a name, taken in order of name.

        Raises Unavailable where another living process keeps one of them for longer than `wait` seconds.
        """

    def require_held(self) -> None:
        """Raise Unavailable where a lock that this thread took was lost since: others may write now."""
