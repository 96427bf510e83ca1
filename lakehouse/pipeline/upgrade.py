"""upgrade: bring a home of an earlier format to the one that this software works on.

Both databases are checked and copied first. A step is one transaction a database and is not done again
where it was done; home.json says the new number last. So a killed upgrade goes on when it is started again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from lakehouse.adapters.durable_files import make_private_folder
from lakehouse.adapters.file_locks import hold_locks
from lakehouse.adapters.registry_schema import ADDED, DROPPED, REGISTRY, tables_of
from lakehouse.adapters.sql_registry import Row, SqlRegistry, Transaction
from lakehouse.adapters.sqlite_copies import copy_database
from lakehouse.adapters.vault import Vault
from lakehouse.core.home_format import FORMAT, require_current_format
from lakehouse.errors import Damaged
from lakehouse.pipeline.home_identity import STORES, read_home, write_identity
from lakehouse.pipeline.log_records import LOG_LOCK
from lakehouse.pipeline.site import Home
from lakehouse.pipeline.standing_leaves import Shard, add_shards, shard_of
from lakehouse.ports import Locks

HOME_LOCKS = ("airflow", "home")
"""No demo and no start beside an upgrade; nor anybody who signs."""

WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """The formats before and after; `steps`: what was done, a sentence each."""

    before: int
    after: int
    steps: tuple[str, ...] = ()

    @property
    def repeated(self) -> bool:
        """Say whether there was nothing to do."""
        return self.before == self.after

    def as_json(self) -> dict[str, object]:
        """Return the fields of `upgrade`."""
        steps = list(self.steps)
        return {"before": self.before, "after": self.after, "steps": steps, "repeated": self.repeated}


def upgrade(home: Home, registry: SqlRegistry, vault: Vault, locks: Locks) -> Upgrade:
    """Upgrade a home; nothing of what outsiders hold changes, so the log is left as it is.

    Raises NotReady (a newer format), Damaged (rows that somebody changed: they are not carried over),
    Unavailable (somebody uses the home).
    """
    files = hold_locks(home.place("locks"), HOME_LOCKS, WAIT_SECONDS)
    with files, locks.hold([LOG_LOCK], WAIT_SECONDS):
        found = read_home(home.path, current=False)
        if found.format >= FORMAT:
            require_current_format(found.format)
            return Upgrade(before=FORMAT, after=FORMAT)
        reached = _reached_format(registry, found.format)
        _require_sound(registry, vault, tables_of(reached))
        copies = _copy_stores(found)
        for number in range(reached + 1, FORMAT + 1):
            registry.change_tables(ADDED[number], DROPPED.get(number, ()), MIGRATIONS[number].carry)
        vault.pack_cells()
        steps = [step for number in range(found.format + 1, FORMAT + 1) for step in MIGRATIONS[number].says]
        _require_sound(registry, vault, REGISTRY)
        write_identity(replace(found, format=FORMAT))
        _remove(copies)
        return Upgrade(before=found.format, after=FORMAT, steps=tuple(steps))


def _reached_format(registry: SqlRegistry, number: int) -> int:
    """Return the format whose tables the registry has; home.json may still say an earlier one."""
    there = registry.tables()
    while number < FORMAT and there.issuperset(ADDED[number + 1]):
        number += 1
    return number


def _carry_nothing(_tx: Transaction) -> None:
    """The new tables begin empty."""


def _carry_leaves(tx: Transaction) -> None:
    """Put the leaves of people, one row each until format 2, into shards."""
    rows = tx.each("content_leaves")
    for (table, shard), people in groupby(rows, lambda row: (row["table_name"], shard_of(row["pseudonym"]))):
        add_shards(tx, table, {shard: _shard(people)})


def _shard(rows: Iterable[Row]) -> Shard:
    shard: Shard = {}
    for row in rows:
        shard.setdefault(row["intent_id"], {})[row["pseudonym"]] = row["leaf"]
    return shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What leads to a format from the one before; `carry` fills the tables that it adds to registry.db."""

    says: tuple[str, ...]
    carry: Callable[[Transaction], None] = _carry_nothing


MIGRATIONS: Mapping[int, Migration] = {
    2: Migration(says=("registry.db keeps missed deadlines and restores",)),
    3: Migration(
        says=(
            "registry.db keeps the leaves of people in shards",
            "vault.db keeps the members of a cell of a release in one row",
        ),
        carry=_carry_leaves,
    ),
}


def _require_sound(registry: SqlRegistry, vault: Vault, tables: Collection[str]) -> None:
    """A table that lost its rows would be made anew and sealed empty: what was spent would be forgotten."""
    broken = [table or what for table, _, what in registry.check(tables)] + [*vault.broken_seals(former=True)]
    if broken:
        raise Damaged(
            f"{len(broken)} places of registry.db and vault.db are not as we wrote them",
            remedy="restore the home from a backup, then upgrade that",
            places=sorted(set(broken)),
        )


def _copy_stores(home: Home) -> list[Path]:
    """Copy both databases; only a failed upgrade leaves the copies, because erasure does not reach them."""
    folder = home.place(f"before-format-{FORMAT}")
    if folder.is_symlink():
        raise Damaged(f"{folder.name} of this home is a link", remedy="see who put it there, remove it")
    make_private_folder(folder)
    copies = [folder / name for name in STORES if home.place(name).exists()]
    for copy in copies:
        copy_database(home.place(copy.name), copy)
    return copies


def _remove(copies: Iterable[Path]) -> None:
    for copy in copies:
        copy.unlink()
        if not any(copy.parent.iterdir()):
            copy.parent.rmdir()
