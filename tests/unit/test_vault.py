import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from vault_keys import FixedKeys

from lakehouse.adapters import vault as people_of_vault
from lakehouse.adapters import vault_people
from lakehouse.adapters.key_tree import derive_key
from lakehouse.adapters.many_rows import ROWS_A_STATEMENT
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_schema import SEALS
from lakehouse.errors import Damaged, Refused, Unavailable
from tests.kept_stores import KeptStore

PRAGMAS = {"cache_size": -65536, "secure_delete": 1, "temp_store": 0, "journal_mode": "wal", "synchronous": 2}
ANN, BOB = "0a" * 16, "0b" * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("vault.db", "the vault", SEALS.name)


@pytest.fixture
def vault(kept: KeptStore) -> Vault:
    made = Vault(kept.store, FixedKeys())
    made.create()
    return made


def test_an_identifier_gets_one_pseudonym_for_good(vault):
    """The same identifier is the same subject; another system's is another one."""
    first = vault.subjects_for("gaitpdb", ["GaPt03", "GaPt04"])
    assert vault.subjects_for("gaitpdb", ["GaPt04", "GaPt03"]) == first
    assert vault.subjects_for("clinic", ["GaPt03"])["GaPt03"] not in first.values()
    assert all(len(bytes.fromhex(pseudonym)) == 16 for pseudonym in first.values())


def test_more_people_than_one_statement_takes_are_all_there(vault):
    """Two whole statements and a rest: each is found again and bears what named them."""
    people = [f"p{number}" for number in range(2 * ROWS_A_STATEMENT + 1)]
    made = vault.subjects_for("fhir", people)
    assert list(made) == people
    assert len(set(made.values())) == len(people)
    assert vault.find_subjects("fhir", people) == made
    assert vault.identifiers_of(made.values()) == {name: (value,) for value, name in made.items()}
    assert vault.broken_seals() == ()


def test_asking_for_an_identifier_makes_nobody(vault):
    """find_subject is None for an unknown person, and the vault has not changed."""
    before = vault.counter()
    assert vault.find_subject("gaitpdb", "GaPt03") is None
    assert vault.counter() == before


def test_identifiers_are_not_on_the_disk(vault, kept):
    """Neither an identifier, nor a name, nor a secret can be read from the vault's bytes."""
    pseudonym = vault.subjects_for("gaitpdb", ["GaPt03-canary"])["GaPt03-canary"]
    vault.remember_identifiers([(pseudonym, "name", "Canary Zyzzyva")])
    everything = kept.everything()
    assert pseudonym.encode() in everything
    assert not any(said in everything.lower() for said in (b"gapt03-canary", b"zyzzyva"))


def test_the_file_is_private(path):
    """Mode 0600 whatever the umask."""
    Vault(SqliteStore(path, "the vault"), FixedKeys()).create()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_connection_keeps_pages_in_memory_and_overwrites_what_it_deletes(path):
    """64 MiB of pages while it lasts; deleted bytes are zeroed, temporary files stay where they were."""
    store = SqliteStore(path, "the vault")
    with store.creating() as connection:
        said = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
    assert said == PRAGMAS


def test_nobody_asked_for_is_nobody(vault):
    """No identifier, no value, no cell: nothing is written, and the answers are empty."""
    before = vault.counter()
    assert (vault.subjects_for("fhir", []), vault.identifiers_of([]), vault.subject_keys([], "seal")) == (
        {},
    ) * 3
    vault.remember_identifiers([])
    vault.remember_cells("r1", {"60-79": set()})
    assert (vault.counter(), vault.cells_of("r1")) == (before, {})


def test_a_thousand_subjects_are_one_change(vault):
    """Bulk creation commits once, so the counter grows by one."""
    before = vault.counter()
    people = vault.subjects_for("fhir", [f"p{number}" for number in range(1000)])
    assert len(set(people.values())) == 1000
    assert vault.counter() == before + 1


def test_a_late_link_keeps_the_older_pseudonym(vault):
    """Two subjects that turn out to be one person answer to the older one; both can be followed."""
    older = vault.subjects_for("gaitpdb", ["GaPt03"])["GaPt03"]
    younger = vault.subjects_for("fhir", ["f-1"])["f-1"]
    assert vault.link(younger, "gaitpdb", ["GaPt03"]) == older
    assert vault.find_subject("fhir", "f-1") == older
    assert vault.aliases_of(younger) == (older, younger)
    assert vault.canonical([younger, older]) == {younger: older, older: older}


def test_links_chain(vault):
    """a = b and b = c make c an alias of the oldest, and keep every key."""
    a, b, c = (vault.subjects_for(system, ["x"])["x"] for system in ("s1", "s2", "s3"))
    vault.link(b, "s3", ["x"])
    vault.link(a, "s2", ["x"])
    assert vault.canonical([a, b, c]) == {a: a, b: a, c: a}
    assert set(vault.subject_keys([a, b, c], "seal")) == {a, b, c}


def test_the_key_tree_is_what_the_protocol_says(vault):
    """digest comes from receipt; the four keys of a subject differ."""
    pseudonym = vault.subjects_for("fhir", ["p"])["p"]
    uses = ("seal", "date_shift", "receipt", "digest")
    keys = {use: vault.subject_keys([pseudonym], use)[pseudonym] for use in uses}
    assert len(set(keys.values())) == 4
    assert keys["digest"] == derive_key(keys["receipt"], "digest")


def test_who_names_people_has_the_secrets_of_the_new_ones(vault):
    """They give the keys that a look-up gives, and no look-up is made; those who were known are looked up."""
    known = vault.subjects_for("fhir", ["p"])["p"]
    names, made = vault.name_subjects("fhir", ["p", "q"])
    assert set(made) == {names["q"]} == set(names.values()) - {known}
    told, asked = vault.secrets_of(names.values(), made), vault.secrets_of(names.values())
    assert told.keys("digest") == asked.keys("digest")
    assert told.first_identifiers() == asked.first_identifiers() == {known: "p", names["q"]: "q"}
    nobody = "00" * 16
    assert set(vault.secrets_of([nobody], {nobody: b"s" * 32, **made}).keys("seal")) == {nobody}


def test_an_unknown_pseudonym_is_damage(vault):
    """A pseudonym in the lake that is not in the vault is never skipped."""
    with pytest.raises(Damaged, match="lacks 1 of 1"):
        vault.subject_keys(["00" * 16], "seal")
    assert vault.missing_subjects(["00" * 16]) == {"00" * 16}


def test_another_wrapping_key_opens_nothing(vault, kept):
    """An old copy of the vault is useless once the wrapping key is gone."""
    pseudonym = vault.subjects_for("fhir", ["p"])["p"]
    stranger = Vault(kept.again(), FixedKeys(wrapping=b"x" * 32))
    with pytest.raises(Damaged):
        stranger.subject_keys([pseudonym], "seal")
    with pytest.raises(Damaged):
        stranger.table_key("source")


def test_a_secret_moved_to_another_subject_does_not_open(vault, kept):
    """The pseudonym is bound into the wrapping: rows of the file cannot be swapped."""
    people = list(vault.subjects_for("fhir", ["p", "q"]).values())
    ((secret,),) = kept.execute("SELECT wrapped_secret FROM subjects WHERE pseudonym = ?", people[:1])
    kept.execute("UPDATE subjects SET wrapped_secret = ? WHERE pseudonym = ?", (secret, people[1]))
    with pytest.raises(Damaged, match="does not open"):
        vault.subject_keys(people, "seal")


def test_a_missing_vault_is_unavailable(path):
    """Exit code 7, and no empty file is left behind."""
    with pytest.raises(Unavailable):
        Vault(SqliteStore(path, "the vault"), FixedKeys()).counter()
    assert not path.exists()


def test_a_file_that_is_no_vault_is_damaged(path):
    """Exit code 6 for garbage."""
    path.write_bytes(b"this is not a database, and long enough to be none" * 40)
    with pytest.raises(Damaged):
        Vault(SqliteStore(path, "the vault"), FixedKeys()).counter()


def test_a_child_process_uses_the_vault_of_its_parent(vault):
    """No connection crosses a fork: what the child writes, the parent reads."""
    child = os.fork()
    if child == 0:
        vault.subjects_for("fhir", ["of the child"])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert vault.find_subject("fhir", "of the child") is not None


def test_identifiers_come_from_all_aliases_once(vault):
    """Names stated under either pseudonym of a person are known under both; a repeat changes nothing."""
    one, two = (vault.subjects_for(system, ["x"])["x"] for system in ("gaitpdb", "fhir"))
    vault.remember_identifiers([(one, "name", "Ann"), (two, "name", "Conroy")])
    vault.link(two, "gaitpdb", ["x"])
    assert vault.identifiers_of([one, two]) == dict.fromkeys((one, two), ("Ann", "Conroy", "x"))
    before = (vault.counter(), vault.identifiers_digest([one]))
    vault.remember_identifiers([(one, "name", "Ann")])
    assert (vault.counter(), vault.identifiers_digest([one])) == before
    vault.remember_identifiers([(one, "phone", "555-0100")])
    assert vault.identifiers_digest([one]) != before[1]


def test_who_was_first_named_how_is_kept_with_the_secret(vault, kept):
    """It costs no row of its own; said again it is known, what another system calls the person is not."""
    one = vault.subjects_for("gaitpdb", ["GaPt03"])["GaPt03"]
    vault.remember_identifiers([(one, "identifier", "GaPt03")])
    assert kept.execute("SELECT count(*) FROM identifiers") == [(0,)]
    vault.remember_identifiers([(one, "identifier", "c-17"), (one, "name", "GaPt03")])
    assert kept.execute("SELECT count(*) FROM identifiers") == [(2,)]
    assert vault.identifiers_of([one]) == {one: ("GaPt03", "c-17")}


def test_a_link_gives_a_person_the_first_identifier_of_another(vault):
    """No value was added, and yet other words must leave the texts: whoever refines must be told."""
    one = vault.subjects_for("fhir", ["a1", "b2"])["a1"]
    alone = vault.identifiers_digest([one])
    older = vault.link(one, "fhir", ["b2"])
    assert vault.identifiers_of([one, older]) == dict.fromkeys((one, older), ("a1", "b2"))
    assert vault.identifiers_digest([one]) != alone


def test_a_subject_whose_secret_stands_alone_has_its_identifier_kept_beside(vault, kept, monkeypatch):
    """Vaults before format 3 wrapped the secret only; what names such a person is a row, as it was."""
    made = vault_people.new_secrets
    monkeypatch.setattr(vault_people, "new_secrets", lambda named: made(dict.fromkeys(named, "")))
    old = vault.subjects_for("fhir", ["a1"])["a1"]
    assert (vault.identifiers_of([old]), len(vault.subject_keys([old], "seal")[old])) == ({old: ()}, 32)
    vault.remember_identifiers([(old, "identifier", "a1")])
    assert kept.execute("SELECT count(*) FROM identifiers") == [(1,)]
    assert vault.identifiers_of([old]) == {old: ("a1",)}


def test_a_destroyed_batch_key_stays_destroyed(vault):
    """Retention: the key is gone and is not made anew under the same name."""
    key = vault.batch_key("gait_walks/1")
    assert vault.batch_key("gait_walks/1") == key
    vault.destroy_batch_key("gait_walks/1")
    with pytest.raises(Refused, match="destroyed"):
        vault.batch_key("gait_walks/1")


def test_cells_of_a_release_are_kept_once(vault):
    """Saying the same cells again is no change; another statement replaces them."""
    vault.remember_cells("r1", {"60-79": {ANN, BOB}, "80+": set()})
    assert vault.cells_of("r1") == {"60-79": frozenset({ANN, BOB})}
    before = vault.counter()
    vault.remember_cells("r1", {"60-79": {BOB, ANN}})
    assert vault.counter() == before
    vault.remember_cells("r1", {"60-79": {ANN}})
    assert vault.cells_of("r1") == {"60-79": frozenset({ANN})}


@pytest.mark.parametrize("name", [None, "", "a" * 31, "a" * 33, "A" * 32, "0x" + "a" * 30, "ａ" * 32, 7])
def test_only_a_pseudonym_stands_in_a_cell(vault, name):
    """32 hexadecimal digits in lower case; what else is said is refused, and nothing has changed."""
    vault.remember_cells("r1", {"60-79": {ANN}})
    before = vault.counter()
    with pytest.raises(Damaged, match="1 of 2 members"):
        vault.remember_cells("r1", {"60-79": {ANN}, "80+": {BOB, name}})
    assert (vault.counter(), vault.cells_of("r1")) == (before, {"60-79": frozenset({ANN})})


def test_a_failed_change_leaves_no_trace(vault, monkeypatch):
    """Subjects that were made when their identities fail are gone with the counter's step."""
    before = vault.counter()
    vault.subjects_for("fhir", ["p"])
    monkeypatch.setattr(people_of_vault, "known_people", lambda *_: {})
    with pytest.raises(Damaged):
        vault.subjects_for("fhir", ["p", "q"])
    monkeypatch.undo()
    assert (vault.counter(), vault.find_subject("fhir", "q"), vault.broken_seals()) == (before + 1, None, ())
