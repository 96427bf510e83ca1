"""The databases of a home for its backup: files, whatever keeps them in the home."""

from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.sql_registry import METADATA as REGISTRY_TABLES
from lakehouse.adapters.sql_registry import Row, SqlRegistry
from lakehouse.adapters.sqlite_copies import copy_database, fold_journal
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.store_copies import copy_rows
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_schema import METADATA as VAULT_TABLES
from lakehouse.pipeline.home_identity import STORES
from lakehouse.pipeline.intents import ABANDONED, OPEN
from lakehouse.pipeline.site import Site

SQLITE = "sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedStores:
    """Copies of registry and vault, and what the copied registry names."""

    registry: Path
    vault: Path
    vault_counter: int
    versions: list[Row]
    models: list[Row]


def copy_stores(site: Site, folder: Path) -> None:
    """Copy registry, then vault: a vault is never older than the log beside it (PROTOCOLS section 1).

    A schema of PostgreSQL becomes an SQLite file with the same rows. The log's lock must be held.
    """
    stores = (site.registry.store, REGISTRY_TABLES), (site.vault.store, VAULT_TABLES)
    for name, (store, tables) in zip(STORES, stores, strict=True):
        if store.kind == SQLITE:
            copy_database(site.home.place(name), folder / name)
            continue
        (folder / name).unlink(missing_ok=True)
        copy_rows(store, SqliteStore(folder / name, f"the copy of {name}"), tables)
        fold_journal(folder / name)


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
