"""A store copied from files to PostgreSQL and back is the same store: its MACs and seals hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.adapters import sql_registry, vault_schema
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.store_copies import copy_rows
from lakehouse.adapters.vault import Vault
from lakehouse.errors import NotReady
from tests.kept_stores import InPostgres
from tests.postgres_server import PostgresServer
from tests.unit.vault_keys import FixedKeys

KEY = b"k" * 32


@pytest.fixture
def schema(postgres: PostgresServer) -> Iterator[InPostgres]:
    made = InPostgres(postgres, "the store", "seals")
    yield made
    made.drop()


def test_a_vault_moves_there_and_back(tmp_path: Path, schema: InPostgres) -> None:
    """Who is older stays so: people who come after the move are younger than all before it."""
    first = SqliteStore(tmp_path / "first.db", "the vault")
    vault = Vault(first, FixedKeys())
    vault.create()
    people = vault.subjects_for("fhir", ["a", "b"])
    vault.remember_identifiers([(people["a"], "name", "Anna")])
    copied = copy_rows(first, schema.store, vault_schema.METADATA)
    moved = Vault(schema.store, FixedKeys())
    assert copied > len(people)
    assert (moved.counter(), moved.broken_seals()) == (vault.counter(), ())
    late = moved.subjects_for("clinic", ["z"])["z"]
    assert moved.link(late, "fhir", ["b"]) == people["b"]
    second = SqliteStore(tmp_path / "second.db", "the vault")
    copy_rows(schema.store, second, vault_schema.METADATA)
    back = Vault(second, FixedKeys())
    assert back.broken_seals() == ()
    assert back.identifiers_of([people["a"]]) == {people["a"]: ("Anna", "a")}
    assert back.canonical([late]) == {late: people["b"]}


def test_a_copied_registry_believes_its_rows_and_a_forged_one_stays_forged(
    tmp_path: Path, schema: InPostgres
) -> None:
    first = SqliteStore(tmp_path / "first.db", "the registry")
    registry = SqlRegistry(first, KEY)
    registry.create()
    with registry.transaction() as tx:
        tx.add("batches", dataset="ehr", batch=1, reasons={"empty_line": 2})
    copy_rows(first, schema.store, sql_registry.METADATA)
    moved = SqlRegistry(schema.store, KEY)
    assert moved.check() == []
    schema.execute("UPDATE batches SET received = 7")
    second = SqliteStore(tmp_path / "second.db", "the registry")
    copy_rows(schema.store, second, sql_registry.METADATA)
    assert {table for table, _, _ in SqlRegistry(second, KEY).check()} == {"batches"}


def test_nothing_is_copied_over_rows(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / name, "the vault") for name in ("first.db", "second.db")]
    for store in stores:
        Vault(store, FixedKeys()).create()
    with pytest.raises(NotReady, match=r"second\.db holds rows"):
        copy_rows(*stores, vault_schema.METADATA)
