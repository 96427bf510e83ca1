"""Cells of a vault of format 2, a row a member, become one row a cell: whole, once, and only where sound."""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from earlier_homes import unpack_home
from vault_keys import FixedKeys

from lakehouse.adapters import former_cells, vault_seals
from lakehouse.adapters.former_cells import BY_PSEUDONYM, CELLS
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_cells import pack_members, unpack_members
from lakehouse.adapters.vault_schema import CELL_MEMBERS, SEALS
from lakehouse.cli.main import run
from lakehouse.errors import Damaged, LivingLabError
from lakehouse.sites import open_site
from tests.kept_stores import KeptStore

ANN, BOB, EVE = "0a" * 16, "0b" * 16, "ee" * 16
ROWS = [("r1", "40-59", ANN), ("r1", "40-59", BOB), ("r1", "60-79", EVE), ("r2", "40-59", BOB)]
PACKED = {"r1": {"40-59": {ANN, BOB}, "60-79": {EVE}}, "r2": {"40-59": {BOB}}}


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("vault.db", "the vault", SEALS.name)


@pytest.fixture
def old(kept: KeptStore) -> Vault:
    """A vault of format 2 with two releases."""
    made = Vault(kept.store, FixedKeys())
    made.create()
    with made._database.changing() as change:
        change.rows.end_table(CELL_MEMBERS, kept.store.place)
        change.rows.begin_table(CELLS)
        BY_PSEUDONYM.create(change.connection)
        change.rows.add(CELLS, ROWS)
    return made


def cells_of(vault: Vault) -> dict[str, object]:
    return {release: vault.cells_of(release) for release in PACKED}


def test_cells_of_format_2_are_packed_once(old: Vault) -> None:
    """Three cells; asked again there is nothing to do, and the vault is as one of today."""
    assert old.broken_seals(former=True) == ()
    before = old.counter()
    assert (old.pack_cells(), old.pack_cells()) == (3, None)
    assert (old.counter(), cells_of(old)) == (before + 1, PACKED)
    assert old.broken_seals() == old.broken_seals(former=True) == ()


def test_a_vault_of_format_2_is_not_sound_for_today(old: Vault) -> None:
    """A table of today's is not there: only the upgrade may take the vault for what it is."""
    with pytest.raises(LivingLabError):
        old.broken_seals()


CHANGES = [
    f"UPDATE cells SET pseudonym = '{EVE}' WHERE pseudonym = '{ANN}'",
    f"DELETE FROM cells WHERE pseudonym = '{ANN}'",
    f"INSERT INTO cells VALUES ('r1', '40-59', '{EVE}')",
    "UPDATE cells SET pseudonym = 'somebody' WHERE cell = '60-79'",
    "UPDATE seals SET rows = 0, total = '0' WHERE name = 'cells'",
    "DELETE FROM seals WHERE name = 'cells'",
    "CREATE TABLE cell_members (release_id TEXT, cell TEXT, members TEXT)",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_cells_that_somebody_changed_are_not_sealed_anew(old: Vault, kept: KeptStore, statement: str) -> None:
    """Damaged, and the vault stays as it is: the old table, the old seal, the old counter."""
    before = old.counter()
    kept.execute(statement)
    rows = kept.execute("SELECT * FROM cells ORDER BY release_id, cell, pseudonym")
    with pytest.raises(Damaged):
        old.pack_cells()
    assert kept.execute("SELECT * FROM cells ORDER BY release_id, cell, pseudonym") == rows
    assert old.counter() == before


def test_the_broken_variant_that_packs_what_it_finds_is_caught(
    old: Vault, kept: KeptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: without the old seal, a member whom somebody added would be sealed as ours."""
    kept.execute(CHANGES[2])
    monkeypatch.setattr(vault_seals, "_is_whole", lambda *_: True)
    old.pack_cells()
    monkeypatch.undo()
    assert (EVE in old.cells_of("r1")["40-59"], old.broken_seals()) == (True, ())


def test_a_packing_that_is_killed_begins_again(old: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL when the new rows stand: the vault is of format 2 as before, and is packed the next time."""
    monkeypatch.setattr(former_cells.SealedRows, "end_table", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if child == 0:
        old.pack_cells()
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    monkeypatch.undo()
    assert old.broken_seals(former=True) == ()
    assert (old.pack_cells(), cells_of(old)) == (3, PACKED)


def test_a_home_of_format_2_keeps_who_stood_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell that the home's vault says before the upgrade stands there after it."""
    home = unpack_home(2, tmp_path, monkeypatch)
    before: dict[str, dict[str, set[str]]] = {}
    with closing(sqlite3.connect(home / "vault.db")) as link:
        for release, cell, pseudonym in link.execute("SELECT * FROM cells"):
            before.setdefault(release, {}).setdefault(cell, set()).add(pseudonym)
    assert run(["--home", str(home), "upgrade"]) == 0
    vault = open_site(home=home).vault
    assert before == {release: vault.cells_of(release) for release in before} != {}


def test_members_lie_in_the_order_of_their_digits() -> None:
    """Zeros at the end count as any digit; a thousand lie as a plain sort lays them; nobody is no byte."""
    drawn = Random(7)
    ends = {"00" * 16, "00" * 15 + "01", "01" + "00" * 15, "0100" * 8, "ff" * 16}
    many = ends | {f"{drawn.getrandbits(128):032x}" for _ in range(1_000)}
    for members in (ends, many, {ANN}, set()):
        assert pack_members(members) == bytes.fromhex("".join(sorted(members)))


def test_members_are_packed_in_order_and_come_back() -> None:
    """Whoever says them first: the bytes of a cell are those of its members, sorted."""
    assert pack_members({EVE, ANN}) == bytes.fromhex(ANN + EVE)
    assert unpack_members(pack_members({EVE, BOB, ANN})) == {ANN, BOB, EVE}
    with pytest.raises(Damaged, match="has 17 bytes"):
        unpack_members(b"x" * 17)
