"""What a witness remembers: the logs it watches, each head it cosigned, heads it was shown and refused.

A private SQLite file. A decision and what it stores are one `BEGIN IMMEDIATE` transaction, and on disk before
anybody is answered: else two requests at once could roll the witness back (https://c2sp.org/tlog-witness).
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from lakehouse.adapters.sqlite_files import make_private_file, named_failures, private_engine
from lakehouse.core.checkpoint import Checkpoint, SignedNote, VerifierKey, parse_note, parse_vkey

DATABASE = "witness.db"
HEADS_KEPT = 4096
"""Heads that a witness cosigned, kept a log: a head of their size with another root is a fork."""

SHOWN_KEPT = 1024
"""Heads signed by the log that the witness refused, kept a log; the first ones."""

OTHERS_READ = 4
"""Heads that one request is compared with, at most, of those cosigned and those refused."""

METADATA = sql.MetaData()
LOGS = sql.Table(
    "logs",
    METADATA,
    sql.Column("origin", sql.Text, primary_key=True),
    sql.Column("vkey", sql.Text, primary_key=True),
    sqlite_strict=True,
)
HEADS = sql.Table(
    "heads",
    METADATA,
    sql.Column("origin", sql.Text, primary_key=True),
    sql.Column("size", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("root", sql.Text, nullable=False),
    sql.Column("note", sql.Text, nullable=False),
    sql.Column("cosigned", sql.Text, nullable=False),
    sql.Column("seconds", sql.Integer, nullable=False),
    sqlite_strict=True,
)
SHOWN = sql.Table(
    "shown",
    METADATA,
    sql.Column("origin", sql.Text, primary_key=True),
    sql.Column("size", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("root", sql.Text, primary_key=True),
    sql.Column("note", sql.Text, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A head the witness has cosigned: size, root, the log's note, and the note with the cosignatures."""

    size: int
    root: bytes
    note: SignedNote
    cosigned: str


class WitnessState:
    """The memory of one witness; every method is one transaction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / DATABASE
        self._engine = private_engine(self._path)
        self._turn = threading.Lock()

    def create(self) -> None:
        """Make the file and the tables that are not there yet."""
        make_private_file(self._path)
        with _guarded(), self._engine.execution_options(begin="BEGIN IMMEDIATE").begin() as link:
            METADATA.create_all(link)

    def exists(self) -> bool:
        """Say whether the state has been made; an empty file remembers nothing."""
        return self._path.is_file() and self._path.stat().st_size > 0

    def add_log(self, key: VerifierKey) -> bool:
        """Watch the log of this key, whose name is its origin; False where it is watched already."""
        values = {"origin": key.name, "vkey": key.render()}
        with self.deciding() as turn:
            if key in turn.log_keys(key.name):
                return False
            turn.link.execute(LOGS.insert().values(**values))
            return True

    def logs(self) -> list[VerifierKey]:
        """Return the keys of the logs that are watched, by origin."""
        with _guarded(), self._engine.begin() as link:
            rows = link.execute(sql.select(LOGS.c.vkey).order_by(LOGS.c.origin, LOGS.c.vkey)).scalars()
            return [parse_vkey(text) for text in rows]

    @contextmanager
    def deciding(self) -> Iterator["Turn"]:
        """Hold the write lock from the start; what is stored is on disk when the block ends."""
        with (
            _guarded(),
            self._turn,
            self._engine.execution_options(begin="BEGIN IMMEDIATE").begin() as link,
        ):
            yield Turn(link)

    @contextmanager
    def reading(self) -> Iterator["Turn"]:
        """Read one consistent state."""
        with _guarded(), self._engine.begin() as link:
            yield Turn(link)


class Turn:
    """Reads and writes of one transaction."""

    def __init__(self, link: sql.Connection) -> None:
        self.link = link

    def log_keys(self, origin: str) -> list[VerifierKey]:
        """Return the keys of one log; empty for an origin that is not watched."""
        rows = self.link.execute(sql.select(LOGS.c.vkey).where(LOGS.c.origin == origin)).scalars()
        return [parse_vkey(text) for text in rows]

    def head(self, origin: str, size: int | None = None) -> StoredHead | None:
        """Return the largest head cosigned for a log, or that of `size` leaves."""
        chosen = sql.select(HEADS).where(HEADS.c.origin == origin)
        chosen = chosen.where(HEADS.c.size == size) if size is not None else chosen
        row = self.link.execute(chosen.order_by(HEADS.c.size.desc()).limit(1)).mappings().first()
        return None if row is None else _stored(dict(row))

    def last_second(self) -> int:
        """Return the latest time at which this witness has cosigned anything."""
        return int(self.link.execute(sql.select(sql.func.max(HEADS.c.seconds))).scalar() or 0)

    def keep(self, head: Checkpoint, note: SignedNote, cosigned: SignedNote, seconds: int) -> None:
        """Store a head as the largest of its log; earlier ones stay, the newest `HEADS_KEPT` of them."""
        own = (HEADS.c.origin == head.origin) & (HEADS.c.size == head.size)
        self.link.execute(HEADS.delete().where(own))
        self.link.execute(
            HEADS.insert().values(
                origin=head.origin,
                size=head.size,
                root=head.root.hex(),
                note=note.render(),
                cosigned=cosigned.render(),
                seconds=seconds,
            )
        )
        sizes = sql.select(HEADS.c.size).where(HEADS.c.origin == head.origin).order_by(HEADS.c.size.desc())
        oldest = sizes.limit(1).offset(HEADS_KEPT - 1).scalar_subquery()
        self.link.execute(HEADS.delete().where((HEADS.c.origin == head.origin) & (HEADS.c.size < oldest)))

    def keep_shown(self, head: Checkpoint, note: SignedNote) -> None:
        """Store a refused head that the log signed, while there are fewer than `SHOWN_KEPT` of them."""
        counted = sql.select(sql.func.count()).select_from(SHOWN).where(SHOWN.c.origin == head.origin)
        if int(self.link.execute(counted).scalar_one()) >= SHOWN_KEPT:
            return
        values = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "note": note.render()}
        self.link.execute(SHOWN.insert().prefix_with("OR IGNORE").values(**values))

    def others(self, origin: str, size: int, root: bytes) -> list[SignedNote]:
        """Return some heads of this size, cosigned or refused, whose root is not `root`."""
        found: list[SignedNote] = []
        for table in (HEADS, SHOWN):
            own = (table.c.origin == origin) & (table.c.size == size) & (table.c.root != root.hex())
            chosen = sql.select(table.c.note).where(own).limit(OTHERS_READ)
            found += [parse_note(text) for text in self.link.execute(chosen).scalars()]
        return found


def _stored(row: dict[str, Any]) -> StoredHead:
    return StoredHead(
        size=row["size"],
        root=bytes.fromhex(row["root"]),
        note=parse_note(row["note"]),
        cosigned=row["cosigned"],
    )


def _guarded() -> AbstractContextManager[None]:
    return named_failures("the witness's memory", DATABASE)
