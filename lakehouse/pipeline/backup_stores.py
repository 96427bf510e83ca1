"""The databases of a home for its backup: one function for each kind of store that can be copied."""

from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.sql_registry import Row, SqlRegistry
from lakehouse.adapters.sqlite_copies import copy_database, fold_journal
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.vault import Vault
from lakehouse.errors import NotReady
from lakehouse.pipeline.home_identity import STORES
from lakehouse.pipeline.intents import ABANDONED, OPEN
from lakehouse.pipeline.site import Home, Site

SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedStores:
    """Copies of registry and vault, and what the copied registry names."""

    registry: Path
    vault: Path
    vault_counter: int
    versions: list[Row]
    models: list[Row]


def require_copyable(home: Home) -> None:
    """Raise NotReady where the stores are not files of the home."""
    elsewhere = sorted(name for name, kind in home.stores.items() if kind != SQLITE)
    if not elsewhere:
        return
    raise NotReady(
        f"this home keeps {' and '.join(elsewhere)} in PostgreSQL, which `backup` does not copy",
        remedy="stop writing; pg_dump the registry, then the vault; then copy registry/ and lake/",
    )


def copy_stores(home: Home, folder: Path) -> None:
    """Copy registry, then vault: a vault is never older than the log beside it (PROTOCOLS section 1).

    The log's lock must be held.
    """
    for name in STORES:
        copy_database(home.place(name), folder / name)


def settle_copies(site: Site, folder: Path) -> CopiedStores:
    """End what was under way in copies of the stores: it is not in the backup; return what they hold.

    Damaged where a row of the copy is not as we wrote it.
    """
    path = folder / STORES[0]
    registry = SqlRegistry(SqliteStore(path, "the copy of the registry"), site.keys.registry_key())
    with registry.transaction() as tx:
        for intent in tx.many("intents", state=OPEN):
            tx.change("intents", {"intent_id": intent["intent_id"]}, state=ABANDONED, payload={})
        versions, models = tx.many("versions"), tx.many("models")
    vault = Vault(SqliteStore(folder / STORES[1], "the copy of the vault"), site.keys)
    counter = vault.counter()
    for name in STORES:
        fold_journal(folder / name)
    return CopiedStores(
        registry=path,
        vault=folder / STORES[1],
        vault_counter=counter,
        versions=versions,
        models=models,
    )
