"""move-stores: take registry and vault of a home to where another site file keeps them.

Copied first, row by row, under the write locks of the old stores; then home.json says where they are; then
the old tables are dropped in the same transactions: whoever waited to write there fails and writes nothing.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from sqlalchemy import MetaData

from lakehouse.adapters.file_locks import hold_locks
from lakehouse.adapters.sql_registry import METADATA as REGISTRY_TABLES
from lakehouse.adapters.store_copies import copy_rows
from lakehouse.adapters.vault_schema import METADATA as VAULT_TABLES
from lakehouse.errors import Damaged, Unavailable
from lakehouse.pipeline.home_identity import STORES, write_identity
from lakehouse.pipeline.intents import OPEN
from lakehouse.pipeline.log_records import LOG_LOCK
from lakehouse.pipeline.site import Home, Site
from lakehouse.ports import Store

HOME_LOCKS = ("airflow", "home")
"""No demo and no start beside a move."""

WAIT_SECONDS = 10.0
TABLES: Mapping[str, MetaData] = {"registry": REGISTRY_TABLES, "vault": VAULT_TABLES}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedStores:
    """Where the stores are now, and how many rows were copied; 0 where nothing had to move."""

    places: Mapping[str, str]
    rows: int

    def as_json(self) -> dict[str, object]:
        """Return the fields of `move-stores`."""
        return {**self.places, "rows": self.rows, "repeated": self.rows == 0}


def move_stores(site: Site, registry: Store, vault: Store) -> MovedStores:
    """Move what is kept elsewhere than in these stores; killed before the end, the home is as it was.

    Raises NotAllowed, NotReady (a target holds rows), Damaged (rows that somebody changed), Unavailable
    (somebody uses the home, or a write is under way).
    """
    site.actor.require("move_stores")
    targets = {"registry": registry, "vault": vault}
    sources = {"registry": site.registry.store, "vault": site.vault.store}
    moving = [name for name in targets if sources[name].place != targets[name].place]
    places = {name: store.place for name, store in targets.items()}
    files = hold_locks(site.home.place("locks"), HOME_LOCKS, WAIT_SECONDS)
    with files, site.locks.hold([LOG_LOCK], WAIT_SECONDS), ExitStack() as held:
        _require_still(site)
        turns = {name: held.enter_context(sources[name].writing()) for name in moving}
        rows = sum(copy_rows(sources[name], targets[name], TABLES[name]) for name in moving)
        write_identity(replace(site.home, stores={name: store.kind for name, store in targets.items()}))
        for name, turn in turns.items():
            TABLES[name].drop_all(turn)
    _remove_files(site.home, [sources[name] for name in moving])
    return MovedStores(places=places, rows=rows)


def _require_still(site: Site) -> None:
    broken = [*site.registry.check(), *site.vault.broken_seals()]
    if broken:
        raise Damaged(
            f"{len(broken)} places of registry and vault are not as we wrote them",
            remedy="livinglab fsck names them; restore the home from a backup, then move that",
        )
    with site.registry.reading() as tx:
        under_way = tx.count("intents", state=OPEN)
    if under_way:
        raise Unavailable(f"{under_way} writes are under way", remedy="let them end, then move the stores")


def _remove_files(home: Home, left: list[Store]) -> None:
    """Remove emptied files of the home; `secure_delete` has overwritten what they held."""
    for store in left:
        store.purge()
        if store.place in STORES and home.place(store.place).is_file():
            for ending in ("-wal", "-shm", ""):
                home.place(f"{store.place}{ending}").unlink(missing_ok=True)
