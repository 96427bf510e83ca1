"""What identifies people is the same, whether they have one pseudonym or several, kept values or none."""

import hmac
from collections.abc import Callable, Iterable

import pytest
from vault_keys import FixedKeys

from lakehouse.adapters import many_rows, vault_identifiers
from lakehouse.adapters.key_tree import frame_parts
from lakehouse.adapters.vault import Vault
from lakehouse.adapters.vault_identifiers import entry_digests
from lakehouse.adapters.vault_schema import SEALS
from tests.kept_stores import KeptStore

SYSTEMS = ("fhir", "clinic", "paper")
NAMES = [f"p{number}" for number in range(6)]


class People:
    """Six people of three systems: p0 is one of two of them, p1 one of all; some say a name or a phone."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.named = {vault.subjects_for(system, [name])[name]: name for system in SYSTEMS for name in NAMES}
        fhir, clinic, paper = (list(self.named)[start : start + 6] for start in (0, 6, 12))
        vault.link(fhir[0], "clinic", ["p0"])
        vault.link(paper[1], "clinic", ["p1"])
        vault.link(fhir[1], "paper", ["p1"])
        self.told = [(clinic[0], "name", "Anna"), (paper[1], "phone", "06"), (clinic[4], "name", "Eve")]
        self.own = [(fhir[5], "own:number", "7")]
        vault.remember_identifiers([*self.told, *self.own])

    def values_one_by_one(self, pseudonym: str) -> tuple[str, ...]:
        family = self.vault.aliases_of(pseudonym)
        told = {value for name, _, value in self.told if name in family}
        return tuple(sorted(told | {self.named[name] for name in family}))

    def digest_one_by_one(self, pseudonyms: Iterable[str]) -> str:
        """The rows in their order, then the people of several pseudonyms."""
        families = sorted({self.vault.aliases_of(name) for name in pseudonyms})
        members = {name for family in families for name in family}
        rows = [entry for entry in entry_digests(FixedKeys().index_key(), self.told) if entry[0] in members]
        said = b"".join(sorted(frame_parts(name, kind) + digest for name, kind, digest in rows))
        said += b"".join(frame_parts("family", *family) for family in families if len(family) > 1)
        return hmac.digest(self.vault.table_key("identifiers"), said, "sha256").hex()


@pytest.fixture
def people(keep_in: Callable[..., KeptStore]) -> People:
    made = Vault(keep_in("vault.db", "the vault", SEALS.name).store, FixedKeys())
    made.create()
    return People(made)


@pytest.mark.parametrize("few", [0, many_rows.A_FEW])
@pytest.mark.parametrize("at_once", [1, 4, 10_000])
def test_everybody_at_once_is_everybody_one_by_one(people, monkeypatch, few, at_once):
    """All of them, those of one system, one alias alone, nobody: values and digest, in any portions."""
    monkeypatch.setattr(many_rows, "A_FEW", few)
    monkeypatch.setattr(many_rows, "ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(vault_identifiers, "ROWS_AT_ONCE", at_once)
    vault, everyone = people.vault, list(people.named)
    for asked in (everyone, everyone[::-1], everyone[6:12], everyone[1:2], everyone[4:6], []):
        found = vault.identifiers_of(asked)
        assert list(found.items()) == [(name, people.values_one_by_one(name)) for name in asked]
        assert vault.identifiers_of(asked, vault.secrets_of(asked[:3])) == found
        assert vault.identifiers_digest(asked) == people.digest_one_by_one(asked)


def test_people_of_whom_nothing_is_kept_add_nothing_to_a_digest(keep_in):
    """As many as there are: it is the MAC of no byte, until two of them are one person."""
    vault = Vault(keep_in("vault.db", "the vault", SEALS.name).store, FixedKeys())
    vault.create()
    everyone = list(vault.subjects_for("fhir", NAMES).values())
    nothing = hmac.digest(vault.table_key("identifiers"), b"", "sha256").hex()
    assert vault.identifiers_digest(everyone) == vault.identifiers_digest([]) == nothing
    vault.link(everyone[0], "fhir", ["p1"])
    assert vault.identifiers_digest(everyone) != nothing == vault.identifiers_digest(everyone[2:])


def test_the_broken_variant_that_leaves_out_families_is_caught(people, monkeypatch):
    """Positive control: who is taken to have one pseudonym only loses what the others say."""
    monkeypatch.setattr("lakehouse.adapters.vault.families_of", lambda *_: {})
    everyone = list(people.named)
    found = people.vault.identifiers_of(everyone)
    assert found != {name: people.values_one_by_one(name) for name in everyone}
    assert people.vault.identifiers_digest(everyone) != people.digest_one_by_one(everyone)
