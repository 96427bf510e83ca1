"""Nobody writes into the vault behind our back: every table's rows fit a sum that only the keys can make."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from vault_keys import FixedKeys

from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_schema import METADATA, SEALS
from lakehouse.adapters.vault_seals import SEALED
from lakehouse.errors import Damaged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def vault(path: Path) -> Vault:
    """A vault with rows in every table."""
    made = Vault(path, FixedKeys())
    made.create()
    anna, bert, carl = made.subjects_for("fhir", ["a", "b", "c"]).values()
    made.subjects_for("clinic", ["x", "y"])
    made.link(bert, "clinic", ["x"])
    made.remember_identifiers([(anna, "name", "Anna"), (bert, "name", "Bert")])
    made.batch_key("bronze.ehr__quarantine/1")
    made.remember_cells("release-1", {"f": {anna, bert}, "m": {carl}})
    made.remember_cells("release-1", {"f": {anna}, "m": {carl}})
    return made


def behind_its_back(path: Path, statement: str) -> int:
    with closing(sqlite3.connect(path)) as link, link:
        return link.execute(statement).rowcount


def test_what_we_write_ourselves_holds(vault: Vault, path: Path) -> None:
    assert vault.broken_seals() == ()
    vault.destroy_batch_key("bronze.ehr__quarantine/1")
    assert Vault(path, FixedKeys()).broken_seals() == ()
    with closing(sqlite3.connect(path)) as link:
        for table in METADATA.sorted_tables:
            assert link.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] > 0


@pytest.mark.parametrize("table", [table.name for table in SEALED])
def test_a_row_changed_copied_or_taken_away_is_found(vault: Vault, path: Path, table: str) -> None:
    columns = METADATA.tables[table].columns
    key = ", ".join(column.name for column in columns if column.primary_key) or "value"
    made_up = {"TEXT": "'7'", "BLOB": "x'07'", "INTEGER": "7"}
    changes = [
        f"UPDATE {table} SET {column.name} = {made_up[str(column.type)]}"
        f" WHERE ({key}) = (SELECT {key} FROM {table} LIMIT 1)"
        for column in columns
    ]
    whole = path.read_bytes()
    for statement in [*changes, f"DELETE FROM {table}"]:
        path.write_bytes(whole)
        assert behind_its_back(path, statement) >= 1
        assert vault.broken_seals() == (table,), statement


def test_our_next_change_does_not_seal_what_somebody_else_wrote(vault: Vault, path: Path) -> None:
    behind_its_back(path, "DELETE FROM aliases")
    vault.subjects_for("clinic", ["z"])
    assert vault.broken_seals() == ("aliases",)
    behind_its_back(path, "UPDATE seals SET rows = 0, total = '0' WHERE name = 'aliases'")
    assert vault.broken_seals() == ("aliases",)
    with pytest.raises(Damaged, match="seal of aliases"):
        vault.link(vault.find_subject("fhir", "a") or "", "clinic", ["y"])


def test_a_trigger_in_the_vault_is_found(vault: Vault, path: Path) -> None:
    behind_its_back(path, "CREATE TRIGGER t AFTER INSERT ON subjects BEGIN DELETE FROM cells; END")
    assert vault.broken_seals() == ("trigger t",)


def test_another_key_makes_other_seals(vault: Vault, path: Path) -> None:
    """The positive control: a sum without our key does not hold."""
    del vault
    broken = Vault(path, FixedKeys(index=b"x" * 32)).broken_seals()
    assert set(broken) == {table.name for table in SEALED}
    assert SEALS not in SEALED
