"""Nobody writes into the vault behind our back: every table's rows fit a sum that only the keys can make."""

from collections.abc import Callable

import pytest
from vault_keys import FixedKeys

from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_schema import METADATA, SEALS
from lakehouse.adapters.vault_seals import SEALED
from lakehouse.errors import Damaged
from tests.kept_stores import KeptStore

MADE_UP_BYTES = {"sqlite": "x'07'", "postgresql": r"'\x07'"}
TRIGGERS = {
    "sqlite": "CREATE TRIGGER t AFTER INSERT ON subjects BEGIN DELETE FROM cell_members; END",
    "postgresql": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN DELETE FROM cell_members; RETURN NULL; END'; "
    "CREATE TRIGGER t AFTER INSERT ON subjects EXECUTE FUNCTION f()",
}


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("vault.db", "the vault", SEALS.name)


@pytest.fixture
def vault(kept: KeptStore) -> Vault:
    """A vault with rows in every table."""
    made = Vault(kept.store, FixedKeys())
    made.create()
    anna, bert, carl = made.subjects_for("fhir", ["a", "b", "c"]).values()
    made.subjects_for("clinic", ["x", "y"])
    made.link(bert, "clinic", ["x"])
    made.remember_identifiers([(anna, "name", "Anna"), (bert, "name", "Bert")])
    made.batch_key("bronze.ehr__quarantine/1")
    made.remember_cells("release-1", {"f": {anna, bert}, "m": {carl}})
    made.remember_cells("release-1", {"f": {anna}, "m": {carl}})
    return made


def test_what_we_write_ourselves_holds(vault: Vault, kept: KeptStore) -> None:
    assert vault.broken_seals() == ()
    vault.destroy_batch_key("bronze.ehr__quarantine/1")
    assert Vault(kept.again(), FixedKeys()).broken_seals() == ()
    for table in METADATA.sorted_tables:
        assert kept.execute(f"SELECT * FROM {table.name}") != []


@pytest.mark.parametrize("table", [table.name for table in SEALED])
def test_a_row_changed_copied_or_taken_away_is_found(vault: Vault, kept: KeptStore, table: str) -> None:
    columns = METADATA.tables[table].columns
    key = ", ".join(column.name for column in columns if column.primary_key) or "value"
    made_up = {"TEXT": "'7'", "BLOB": MADE_UP_BYTES[kept.store.kind], "INTEGER": "7"}
    changes = [
        f"UPDATE {table} SET {column.name} = {made_up[str(column.type)]}"
        f" WHERE ({key}) = (SELECT {key} FROM {table} LIMIT 1)"
        for column in columns
    ]
    for statement in [*changes, f"DELETE FROM {table}"]:
        with kept.changed(table, statement) as rows:
            assert rows >= 1
            assert vault.broken_seals() == (table,), statement
    assert vault.broken_seals() == ()


def test_our_next_change_does_not_seal_what_somebody_else_wrote(vault: Vault, kept: KeptStore) -> None:
    kept.execute("DELETE FROM aliases")
    vault.subjects_for("clinic", ["z"])
    assert vault.broken_seals() == ("aliases",)
    kept.execute("UPDATE seals SET rows = 0, total = '0' WHERE name = 'aliases'")
    assert vault.broken_seals() == ("aliases",)
    with pytest.raises(Damaged, match="seal of aliases"):
        vault.link(vault.find_subject("fhir", "a") or "", "clinic", ["y"])


def test_a_trigger_in_the_vault_is_found(vault: Vault, kept: KeptStore) -> None:
    kept.execute(TRIGGERS[kept.store.kind])
    assert set(vault.broken_seals()) - {"function f"} == {"trigger t"}


def test_what_a_trigger_of_somebody_else_does_is_not_sealed_as_ours(vault: Vault, kept: KeptStore) -> None:
    """SQLite tells the writer's own triggers of it too: sums that listened there would have taken it in."""
    kept.execute(TRIGGERS[kept.store.kind])
    vault.subjects_for("clinic", ["z"])
    assert "cell_members" in vault.broken_seals()


def test_another_key_makes_other_seals(vault: Vault, kept: KeptStore) -> None:
    """The positive control: a sum without our key does not hold."""
    del vault
    broken = Vault(kept.again(), FixedKeys(index=b"x" * 32)).broken_seals()
    assert set(broken) == {table.name for table in SEALED}
    assert SEALS not in SEALED
