"""Two processes name the same people at once, one is killed, aliases appear between a look and a change."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from vault_keys import FixedKeys

from lakehouse.adapters import many_rows, vault_people
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_database import VaultChange, VaultDatabase
from lakehouse.adapters.vault_schema import SEALS
from lakehouse.errors import Damaged
from tests.kept_stores import KeptStore

EVERYONE = [f"p{number:03}" for number in range(200)]


@pytest.fixture
def kept(keep_in: Callable[..., KeptStore]) -> KeptStore:
    return keep_in("vault.db", "the vault", SEALS.name)


@pytest.fixture
def vault(kept: KeptStore) -> Vault:
    made = Vault(kept.store, FixedKeys())
    made.create()
    return made


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Arrange that somebody acts once, after the next look and before the change that follows it."""
    changing = VaultDatabase.changing

    def arranged(act: Callable[[], object]) -> None:
        def after(database: VaultDatabase) -> AbstractContextManager[VaultChange]:
            monkeypatch.setattr(VaultDatabase, "changing", changing)
            act()
            return changing(database)

        monkeypatch.setattr(VaultDatabase, "changing", after)

    return arranged


def in_a_child(act: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return child


def test_people_whom_somebody_names_meanwhile_are_not_named_twice(vault, kept, meanwhile):
    """q and r are made by another process between our look and our change: they are the same q and r."""
    vault.subjects_for("fhir", ["p"])
    other, theirs = Vault(kept.again(), FixedKeys()), {}
    meanwhile(lambda: theirs.update(other.subjects_for("fhir", ["r", "q"])))
    ours = vault.subjects_for("fhir", ["p", "q", "r", "s"])
    assert {name: ours[name] for name in theirs} == theirs
    assert kept.execute("SELECT count(*) FROM subjects") == [(4,)]
    assert (vault.counter(), vault.broken_seals()) == (4, ())


def test_an_alias_made_meanwhile_is_followed(vault, kept, meanwhile):
    """p turns out to be an older person between our look and our change: the older one is the answer."""
    older = vault.subjects_for("clinic", ["a"])["a"]
    younger = vault.subjects_for("fhir", ["p"])["p"]
    meanwhile(lambda: Vault(kept.again(), FixedKeys()).link(older, "fhir", ["p"]))
    assert vault.subjects_for("fhir", ["p", "q"])["p"] == older != younger


def test_the_broken_variant_that_never_looks_again_is_caught(vault, kept, meanwhile, monkeypatch):
    """Positive control: believing the first look would answer with the alias, and make a person twice."""
    monkeypatch.setattr(VaultChange, "is_first_since", lambda *_: True)
    other = Vault(kept.again(), FixedKeys())
    older = vault.subjects_for("clinic", ["a"])["a"]
    younger = vault.subjects_for("fhir", ["p"])["p"]
    meanwhile(lambda: other.link(older, "fhir", ["p"]))
    assert vault.subjects_for("fhir", ["p", "q"])["p"] == younger
    meanwhile(lambda: other.subjects_for("fhir", ["r"]))
    with pytest.raises(Damaged):
        vault.subjects_for("fhir", ["r"])


def test_an_identifier_kept_meanwhile_is_kept_once(vault, kept, meanwhile):
    """Another process keeps Anna between our look and our change: Anna once, Bert added, every seal holds."""
    ann = vault.subjects_for("fhir", ["p"])["p"]
    other = Vault(kept.again(), FixedKeys())
    meanwhile(lambda: other.remember_identifiers([(ann, "name", "Anna")]))
    vault.remember_identifiers([(ann, "name", "Anna"), (ann, "name", "Bert")])
    assert kept.execute("SELECT count(*) FROM identifiers") == [(2,)]
    assert vault.identifiers_of([ann]) == {ann: ("Anna", "Bert", "p")}
    assert vault.broken_seals() == ()


def test_two_processes_that_name_everyone_at_once_agree(vault, kept):
    """Two hundred people, named by two processes in opposite orders: two hundred subjects."""
    names = [lambda: vault.subjects_for("fhir", EVERYONE), lambda: vault.subjects_for("fhir", EVERYONE[::-1])]
    children = [in_a_child(name) for name in names]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    people = vault.find_subjects("fhir", EVERYONE)
    assert len(set(people.values())) == len(EVERYONE) == kept.execute("SELECT count(*) FROM subjects")[0][0]
    assert vault.broken_seals() == ()


def test_a_writer_killed_between_people_and_their_identities_leaves_nobody(vault, monkeypatch):
    """SIGKILL when the subjects stand and nothing names them yet: the next one finds neither."""
    before = vault.counter()
    killed: Callable[..., Any] = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    monkeypatch.setattr(vault_people, "add_identities", killed)
    child = in_a_child(lambda: vault.subjects_for("fhir", EVERYONE))
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    monkeypatch.undo()
    assert (vault.counter(), vault.broken_seals(), vault.find_subjects("fhir", EVERYONE)) == (before, (), {})
    assert len(set(vault.subjects_for("fhir", EVERYONE).values())) == len(EVERYONE)


def numbered(kept: KeptStore) -> Iterator[str]:
    return (name for (name,) in kept.execute("SELECT pseudonym FROM subjects ORDER BY ordinal"))


def test_the_numbers_of_subjects_say_nothing_of_the_order_they_were_named_in(vault, kept):
    """They follow the random pseudonyms, and those do not follow the identifiers."""
    people = vault.subjects_for("fhir", EVERYONE)
    assert list(people) == EVERYONE
    assert list(numbered(kept)) == sorted(people.values()) != list(people.values())


def test_numbers_in_the_order_of_names_would_be_seen(vault, kept, monkeypatch):
    """Positive control: people numbered as they were named can be told apart by a list of who came when."""
    monkeypatch.setattr(vault_people, "sorted", list, raising=False)
    people = vault.subjects_for("fhir", EVERYONE)
    assert list(numbered(kept)) == list(people.values())


def test_the_number_of_an_erased_subject_never_comes_again(vault, kept):
    """The last subject is deleted: the next one is younger than it was."""
    vault.subjects_for("fhir", ["p", "q"])
    ((last,),) = kept.execute("SELECT max(ordinal) FROM subjects")
    kept.execute("DELETE FROM subjects WHERE ordinal = ?", (last,))
    vault.subjects_for("fhir", ["r"])
    assert kept.execute("SELECT max(ordinal) FROM subjects") == [(last + 1,)]


@contextmanager
def no_shortcut(monkeypatch: pytest.MonkeyPatch, few: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(many_rows, "A_FEW", few)
        yield


def test_aliases_read_at_once_are_those_asked_for_one_by_one(vault, monkeypatch):
    """Fewer aliases than people asked for, more, or only a few people: the same families."""
    people = list(vault.subjects_for("fhir", EVERYONE[:9]).values())
    late = list(vault.subjects_for("clinic", EVERYONE[:9]).values())
    for older, name in zip(people[:4], EVERYONE, strict=False):
        vault.link(older, "clinic", [name])
    for asked in (people, [*people, *late], late[:2], people[5:], []):
        with no_shortcut(monkeypatch, 0):
            at_once = vault.canonical(asked)
        assert at_once == vault.canonical(asked)
        assert at_once == {name: dict(zip(late[:4], people, strict=False)).get(name, name) for name in asked}
