"""The vault: random pseudonyms, secrets of people, and who is who (PROTOCOLS section 1).

A pseudonym is 128 random bits in hex; no key recomputes it. Identifiers are found by their HMAC
under the index key, secrets are wrapped by the wrapping key; both keys lie outside the home.
Every method raises Unavailable (7) without a vault and Damaged (6) for one that cannot be read.
"""

import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, select

from lakehouse.adapters.key_tree import (
    KEY_BYTES,
    KeyUse,
    VaultKeys,
    derive_key,
    frame_parts,
    open_bytes,
    seal_bytes,
    unwrap_secret,
    wrap_secret,
)
from lakehouse.adapters.person_secrets import PersonSecrets
from lakehouse.adapters.vault_database import VaultChange, VaultDatabase
from lakehouse.adapters.vault_queries import (
    QUERY_CHUNK,
    canonical_of,
    families_of,
    key_row,
    known_identifiers,
    merge_subjects,
    rows_where,
)
from lakehouse.adapters.vault_schema import (
    ALIASES,
    CELLS,
    COUNTER,
    IDENTIFIERS,
    IDENTITIES,
    KEYS,
    SUBJECTS,
)
from lakehouse.errors import Damaged, Refused
from lakehouse.ports import Store

VAULT_KEY = "vault"


class Vault:
    """The vault of one home in its store, opened with the keys that lie outside it."""

    def __init__(self, store: Store, keys: VaultKeys) -> None:
        self.store = store
        self._keys = keys
        self._database = VaultDatabase(store, lambda: derive_key(keys.index_key(), "vault_rows"))

    def create(self) -> None:
        """Make an empty vault with its own key; an existing one is left as it is."""
        self._database.create()
        with self._database.changing() as change:
            if key_row(change.connection, VAULT_KEY) is None:
                self._add_key(change, VAULT_KEY)

    def counter(self) -> int:
        """Return how many changes were committed; it never falls."""
        with self._database.reading() as connection:
            value = connection.scalar(select(COUNTER.c.value))
        if value is None:
            raise self._lost("counter")
        return int(value)

    def broken_seals(self) -> tuple[str, ...]:
        """Return the tables in which somebody else added, changed or took away a row."""
        return self._database.broken_seals()

    # who is who

    def subjects_for(self, system: str, identifiers: Sequence[str]) -> dict[str, str]:
        """Return the canonical pseudonym of each identifier, making subjects that are missing."""
        found = self.find_subjects(system, identifiers)
        if all(identifier in found for identifier in identifiers):
            return found
        with self._database.changing() as change:
            found = self._known(change.connection, system, identifiers)
            missing = [value for value in dict.fromkeys(identifiers) if value not in found]
            found |= dict(zip(missing, self._add_subjects(change, len(missing)), strict=True))
            self._add_identities(change, system, {value: found[value] for value in missing})
        return found

    def find_subjects(self, system: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Return the canonical pseudonyms of the identifiers that are known."""
        with self._database.reading() as connection:
            return self._known(connection, system, identifiers)

    def find_subject(self, system: str, identifier: str) -> str | None:
        """Return the canonical pseudonym of one identifier, or None."""
        return self.find_subjects(system, [identifier]).get(identifier)

    def link(self, pseudonym: str, system: str, identifiers: Sequence[str]) -> str:
        """State that these identifiers are this subject's too; returns the pseudonym to use from now on."""
        return self.link_all([(pseudonym, system, value) for value in identifiers]).get(pseudonym, pseudonym)

    def link_all(self, links: Iterable[tuple[str, str, str]]) -> dict[str, str]:
        """State (pseudonym, system, identifier) links at once; returns the canonical pseudonym of each.

        An identifier that belongs to another subject makes the younger of the two an alias.
        """
        stated = list(dict.fromkeys(links))
        with self._database.changing() as change:
            for pseudonym, system, identifier in stated:
                ours = canonical_of(change.connection, [pseudonym])[pseudonym]
                theirs = self._known(change.connection, system, [identifier]).get(identifier)
                if theirs is None:
                    self._add_identities(change, system, {identifier: ours})
                elif theirs != ours:
                    merge_subjects(change, ours, theirs)
            return canonical_of(change.connection, [pseudonym for pseudonym, _, _ in stated])

    def canonical(self, pseudonyms: Iterable[str]) -> dict[str, str]:
        """Return the oldest pseudonym of each subject; one without aliases is its own."""
        with self._database.reading() as connection:
            return canonical_of(connection, pseudonyms)

    def aliases_of(self, pseudonym: str) -> tuple[str, ...]:
        """Return every pseudonym of the same person, the canonical one first."""
        with self._database.reading() as connection:
            canonical = canonical_of(connection, [pseudonym])[pseudonym]
            query = select(ALIASES.c.alias).where(ALIASES.c.canonical == canonical).order_by(ALIASES.c.alias)
            return (canonical, *connection.scalars(query))

    def missing_subjects(self, pseudonyms: Iterable[str]) -> set[str]:
        """Return the pseudonyms that no subject of this vault bears."""
        wanted = set(pseudonyms)
        with self._database.reading() as connection:
            known = {row.pseudonym for row in rows_where(connection, SUBJECTS.c.pseudonym, wanted)}
        return wanted - known

    # keys

    def secrets_of(self, pseudonyms: Iterable[str]) -> PersonSecrets:
        """Return what gives these subjects' keys from one look-up; an unknown pseudonym is Damaged then."""
        wanted = set(pseudonyms)
        return PersonSecrets(lambda: self._open_secrets(wanted))

    def subject_keys(self, pseudonyms: Iterable[str], use: KeyUse) -> dict[str, bytes]:
        """Return the 32-byte keys of subjects for one use; an unknown pseudonym is Damaged."""
        return self.secrets_of(pseudonyms).keys(use)

    def _open_secrets(self, wanted: AbstractSet[str]) -> dict[str, bytes]:
        with self._database.reading() as connection:
            rows = list(rows_where(connection, SUBJECTS.c.pseudonym, wanted))
        if len(rows) != len(wanted):
            raise Damaged(
                f"the vault lacks {len(wanted) - len(rows)} of {len(wanted)} subjects",
                remedy=f"restore the {self.store.place} that belongs to this lake",
            )
        wrapping_key = self._keys.wrapping_key()
        return {row.pseudonym: unwrap_secret(wrapping_key, row.wrapped_secret, row.pseudonym) for row in rows}

    def table_key(self, name: str) -> bytes:
        """Return the 32-byte key `livinglab/v1/<name>` below the vault's own key."""
        with self._database.reading() as connection:
            row = key_row(connection, VAULT_KEY)
        if row is None:
            raise self._lost("key")
        return derive_key(self._unwrap_key(row), name)

    def batch_key(self, name: str) -> bytes:
        """Return the random 32-byte key of a quarantine batch, made when first asked for.

        A key that retention destroyed is Refused: what it sealed stays closed.
        """
        stored = f"batch/{name}"
        with self._database.changing() as change:
            row = key_row(change.connection, stored)
            if row is None:
                return self._add_key(change, stored)
        if row.wrapped is None:
            raise Refused(
                "the key of this quarantine batch was destroyed by retention",
                remedy="land the files again, where they are still there",
            )
        return self._unwrap_key(row)

    def destroy_batch_key(self, name: str) -> None:
        """Forget the key of a quarantine batch for good."""
        with self._database.changing() as change:
            change.rows.change(KEYS, KEYS.c.name == f"batch/{name}", wrapped=None)
        self.store.purge(KEYS.name)

    # what identifies a person in free text

    def remember_identifiers(
        self, stated: Iterable[tuple[str, str, str]], secrets: PersonSecrets | None = None
    ) -> None:
        """Keep (pseudonym, kind, value) sealed under the subject, once each.

        `secrets`: those of all these subjects, where the caller has them already.
        """
        wanted = [entry for entry in dict.fromkeys(stated) if entry[2].strip()]
        people = {pseudonym for pseudonym, _, _ in wanted}
        keys = (secrets or self.secrets_of(people)).keys("seal")
        ciphers = {pseudonym: AESGCM(keys[pseudonym]) for pseudonym in people}
        index_key = self._keys.index_key()
        rows = [
            {
                "pseudonym": pseudonym,
                "kind": kind,
                "value_hmac": _keyed_digest(index_key, "identifier", kind, value),
                "sealed_value": seal_bytes(
                    ciphers[pseudonym], value.encode(), _identifier_place(pseudonym, kind)
                ),
            }
            for pseudonym, kind, value in wanted
        ]
        with self._database.changing() as change:
            change.rows.add(IDENTIFIERS, rows, once=True)

    def holders_of(self, stated: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
        """Return the canonical pseudonyms under which each (kind, value) is kept; none for an unknown one.

        One pass over the kept identifiers for every 10,000 values asked for.
        """
        index_key = self._keys.index_key()
        asked = {_keyed_digest(index_key, "identifier", *entry): entry for entry in stated}
        holders: dict[tuple[str, str], set[str]] = {}
        with self._database.reading() as connection:
            rows = list(rows_where(connection, IDENTIFIERS.c.value_hmac, asked))
            canonical = canonical_of(connection, [row.pseudonym for row in rows])
        for row in rows:
            holders.setdefault(asked[row.value_hmac], set()).add(canonical[row.pseudonym])
        return holders

    def identifiers_of(
        self, pseudonyms: Iterable[str], secrets: PersonSecrets | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Return the values that identify each subject, from all sources and all its aliases.

        `secrets`: those of the subjects, where the caller has them already.
        """
        found: dict[str, set[str]] = {}
        members, rows = self._identifier_rows(pseudonyms)
        keys = secrets.keys("seal") if secrets else {}
        keys = keys | self.subject_keys({row.pseudonym for row in rows} - set(keys), "seal")
        ciphers = {name: AESGCM(keys[name]) for name in {row.pseudonym for row in rows}}
        for row in rows:
            place = _identifier_place(row.pseudonym, row.kind)
            value = open_bytes(ciphers[row.pseudonym], row.sealed_value, place).decode()
            found.setdefault(row.pseudonym, set()).add(value)
        return {
            pseudonym: tuple(sorted(set().union(*(found.get(member, set()) for member in family))))
            for pseudonym, family in members.items()
        }

    def identifiers_digest(self, pseudonyms: Iterable[str]) -> str:
        """Return a keyed digest (hex) of all these subjects' identifiers: it changes when one is added."""
        digest = hmac.new(self.table_key("identifiers"), digestmod="sha256")
        with self._database.reading() as connection:
            everyone = sorted(set[str]().union(*families_of(connection, pseudonyms).values()))
            for start in range(0, len(everyone), QUERY_CHUNK):
                rows = known_identifiers(connection, everyone[start : start + QUERY_CHUNK])
                for entry in sorted(frame_parts(row.pseudonym, row.kind) + row.value_hmac for row in rows):
                    digest.update(entry)
        return digest.hexdigest()

    # who stood in which cell of a release

    def remember_cells(self, release_id: str, cells: Mapping[str, AbstractSet[str]]) -> None:
        """Keep the members of each cell of a release; said again, the later statement holds."""
        rows = [
            {"release_id": release_id, "cell": cell, "pseudonym": pseudonym}
            for cell, members in cells.items()
            for pseudonym in sorted(members)
        ]
        stated = {cell: frozenset(members) for cell, members in cells.items() if members}
        if self.cells_of(release_id) == stated:
            return
        with self._database.changing() as change:
            change.rows.drop(CELLS, CELLS.c.release_id == release_id)
            change.rows.add(CELLS, rows)

    def cells_of(self, release_id: str) -> dict[str, frozenset[str]]:
        """Return the members of each cell of a release; empty for an unknown one."""
        members: dict[str, set[str]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(select(CELLS).where(CELLS.c.release_id == release_id)):
                members.setdefault(row.cell, set()).add(row.pseudonym)
        return {cell: frozenset(people) for cell, people in members.items()}

    def _lost(self, what: str) -> Damaged:
        return Damaged(f"the vault has lost its {what}", remedy=f"restore {self.store.place} from its backup")

    def _known(self, connection: Connection, system: str, identifiers: Iterable[str]) -> dict[str, str]:
        index_key = self._keys.index_key()
        asked = {_keyed_digest(index_key, "identity", system, value): value for value in identifiers}
        rows = [
            row for row in rows_where(connection, IDENTITIES.c.identity_hmac, asked) if row.system == system
        ]
        canonical = canonical_of(connection, [row.pseudonym for row in rows])
        return {asked[row.identity_hmac]: canonical[row.pseudonym] for row in rows}

    def _add_subjects(self, change: VaultChange, count: int) -> list[str]:
        wrapping_key = self._keys.wrapping_key()
        pseudonyms = [os.urandom(16).hex() for _ in range(count)]
        rows = [
            {"pseudonym": name, "wrapped_secret": wrap_secret(wrapping_key, os.urandom(KEY_BYTES), name)}
            for name in pseudonyms
        ]
        change.rows.add(SUBJECTS, rows)
        return pseudonyms

    def _add_identities(self, change: VaultChange, system: str, subjects: Mapping[str, str]) -> None:
        index_key = self._keys.index_key()
        rows = [
            {
                "system": system,
                "identity_hmac": _keyed_digest(index_key, "identity", system, value),
                "pseudonym": name,
            }
            for value, name in subjects.items()
        ]
        change.rows.add(IDENTITIES, rows)

    def _identifier_rows(self, pseudonyms: Iterable[str]) -> tuple[dict[str, set[str]], list[Row[Any]]]:
        with self._database.reading() as connection:
            families = families_of(connection, pseudonyms)
            return families, list(known_identifiers(connection, set[str]().union(*families.values())))

    def _add_key(self, change: VaultChange, name: str) -> bytes:
        key = os.urandom(KEY_BYTES)
        wrapped = wrap_secret(self._keys.wrapping_key(), key, f"key/{name}")
        change.rows.add(KEYS, [{"name": name, "wrapped": wrapped}])
        return key

    def _unwrap_key(self, row: Row[Any]) -> bytes:
        return unwrap_secret(self._keys.wrapping_key(), row.wrapped, f"key/{row.name}")


def _keyed_digest(index_key: bytes, *parts: str) -> bytes:
    return hmac.digest(index_key, frame_parts(*parts), "sha256")


def _identifier_place(pseudonym: str, kind: str) -> bytes:
    return frame_parts("vault", "identifiers", kind, pseudonym)
