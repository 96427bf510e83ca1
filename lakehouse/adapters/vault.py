"""The vault: random pseudonyms, secrets of people, and who is who (PROTOCOLS section 1).

A pseudonym is 128 random bits in hex; no key recomputes it. Identifiers are found by their HMAC
under the index key, secrets are wrapped by the wrapping key; both keys lie outside the home.
Every method raises Unavailable (7) without a vault and Damaged (6) for one that cannot be read.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from lakehouse.adapters.former_cells import holds_former_cells, pack_former_cells
from lakehouse.adapters.key_tree import KeyUse, VaultKeys, derive_key, unwrap_secret
from lakehouse.adapters.person_secrets import PersonSecrets, Secrets
from lakehouse.adapters.vault_cells import pack_members, read_cells, replace_cells, unpack_members
from lakehouse.adapters.vault_database import VaultDatabase, read_counter
from lakehouse.adapters.vault_identifiers import (
    NAMED_BY,
    all_values,
    digest_entries,
    entry_digests,
    holders_of,
    known_values,
    missing_entries,
    open_entries,
    seal_entries,
)
from lakehouse.adapters.vault_people import (
    add_identities,
    add_people,
    canonical_of,
    families_of,
    identity_digests,
    known_people,
    merge_subjects,
)
from lakehouse.adapters.vault_schema import ALIASES, IDENTIFIERS, KEYS
from lakehouse.adapters.vault_secrets import add_key, key_row, known_subjects, open_key, wrapped_secrets
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
                add_key(change, self._wrapping(), VAULT_KEY)

    def counter(self) -> int:
        """Return how many changes were committed; it never falls."""
        with self._database.reading() as connection:
            value = read_counter(connection)
        if value is None:
            raise self._lost("counter")
        return value

    def broken_seals(self, *, former: bool = False) -> tuple[str, ...]:
        """Return the tables in which somebody else added, changed or took away a row.

        `former`: also of a vault whose cells `pack_cells` has not packed yet.
        """
        return self._database.broken_seals(former=former)

    def pack_cells(self) -> int | None:
        """Bring a vault of format 1 or 2 to format 3; return how many cells it has, None where it was there.

        One transaction. Raises Damaged where the cells are not as we wrote them.
        """
        with self._database.changing() as change:
            if not holds_former_cells(change.connection):
                return None
            return pack_former_cells(change.connection, change.rows, self.store.place)

    # who is who

    def subjects_for(self, system: str, identifiers: Sequence[str]) -> dict[str, str]:
        """Return the canonical pseudonym of each identifier, making subjects that are missing."""
        return self.name_subjects(system, identifiers)[0]

    def name_subjects(self, system: str, identifiers: Sequence[str]) -> tuple[dict[str, str], Secrets]:
        """Return `subjects_for`, and the secrets of the subjects that were missing, for `secrets_of`."""
        asked = identity_digests(self._keys.index_key(), system, identifiers)
        made: Secrets = {}
        with self._database.reading() as connection:
            found, seen = known_people(connection, system, asked), read_counter(connection)
        if len(found) < len(asked):
            with self._database.changing() as change:
                if not change.is_first_since(seen):
                    found = known_people(change.connection, system, asked)
                missing = {digest: value for digest, value in asked.items() if value not in found}
                added, made = add_people(change, self._wrapping(), system, missing)
                found |= added
        return {value: found[value] for value in identifiers}, made

    def find_subjects(self, system: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Return the canonical pseudonyms of the identifiers that are known."""
        asked = identity_digests(self._keys.index_key(), system, identifiers)
        with self._database.reading() as connection:
            return known_people(connection, system, asked)

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
        index_key = self._keys.index_key()
        with self._database.changing() as change:
            for pseudonym, system, identifier in stated:
                asked = identity_digests(index_key, system, [identifier])
                ours = canonical_of(change.connection, [pseudonym])[pseudonym]
                theirs = known_people(change.connection, system, asked).get(identifier)
                if theirs is None:
                    add_identities(change, system, dict.fromkeys(asked, ours))
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
            return wanted - known_subjects(connection, wanted)

    # keys

    def secrets_of(self, pseudonyms: Iterable[str], *made: Secrets) -> PersonSecrets:
        """Return what gives these subjects' keys from one look-up; an unknown pseudonym is Damaged then.

        made: those that need no look-up, as `name_subjects` gave them.
        """
        wanted = set(pseudonyms)
        own = {name: secrets[name] for secrets in made for name in wanted & secrets.keys()}
        return PersonSecrets(lambda: {**own, **self._open_secrets(wanted - own.keys())})

    def subject_keys(self, pseudonyms: Iterable[str], use: KeyUse) -> dict[str, bytes]:
        """Return the 32-byte keys of subjects for one use; an unknown pseudonym is Damaged."""
        return self.secrets_of(pseudonyms).keys(use)

    def _open_secrets(self, wanted: AbstractSet[str]) -> dict[str, bytes]:
        with self._database.reading() as connection:
            wrapped = wrapped_secrets(connection, wanted)
        if len(wrapped) != len(wanted):
            raise Damaged(
                f"the vault lacks {len(wanted) - len(wrapped)} of {len(wanted)} subjects",
                remedy=f"restore the {self.store.place} that belongs to this lake",
            )
        wrapping = self._wrapping()
        return {name: unwrap_secret(wrapping, secret, name) for name, secret in wrapped.items()}

    def _wrapping(self) -> AESGCM:
        return AESGCM(self._keys.wrapping_key())

    def table_key(self, name: str) -> bytes:
        """Return the 32-byte key `livinglab/v1/<name>` below the vault's own key."""
        with self._database.reading() as connection:
            row = key_row(connection, VAULT_KEY)
        if row is None or row.wrapped is None:
            raise self._lost("key")
        return derive_key(open_key(self._wrapping(), VAULT_KEY, row.wrapped), name)

    def batch_key(self, name: str) -> bytes:
        """Return the random 32-byte key of a quarantine batch, made when first asked for.

        A key that retention destroyed is Refused: what it sealed stays closed.
        """
        stored = f"batch/{name}"
        with self._database.changing() as change:
            row = key_row(change.connection, stored)
            if row is None:
                return add_key(change, self._wrapping(), stored)
        if row.wrapped is None:
            raise Refused(
                "the key of this quarantine batch was destroyed by retention",
                remedy="land the files again, where they are still there",
            )
        return open_key(self._wrapping(), stored, row.wrapped)

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

        A first identifier is kept already: with the secret. `secrets`: those of all these subjects, where
        the caller has them already.
        """
        told = list(stated)
        known = secrets or self.secrets_of(pseudonym for pseudonym, _, _ in told)
        first = known.first_identifiers()
        others = (entry for entry in told if entry[1] != NAMED_BY or first.get(entry[0]) != entry[2])
        values = entry_digests(self._keys.index_key(), others)
        with self._database.reading() as connection:
            missing, seen = missing_entries(connection, values), read_counter(connection)
        if not missing:
            return
        rows = list(seal_entries(missing, values, known.keys("seal")))
        with self._database.changing() as change:
            if not change.is_first_since(seen):
                missing = missing_entries(change.connection, missing)
                rows = [row for row in rows if row[:3] in missing]
            change.rows.add(IDENTIFIERS, rows)

    def holders_of(self, stated: Iterable[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
        """Return the canonical pseudonyms under which each (kind, value) is kept; none for an unknown one.

        One pass over the kept identifiers for every 10,000 values asked for.
        """
        with self._database.reading() as connection:
            return holders_of(connection, self._keys.index_key(), stated)

    def identifiers_of(
        self, pseudonyms: Iterable[str], secrets: PersonSecrets | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Return the values that identify each subject, from all sources and all its aliases.

        `secrets`: those of the subjects, where the caller has them already.
        """
        wanted = dict.fromkeys(pseudonyms)
        with self._database.reading() as connection:
            families = families_of(connection, wanted.keys())
            everyone = set(wanted).union(*families.values())
            rows = known_values(connection, everyone)
        known = [secrets] if secrets else []
        known.append(self.secrets_of(everyone.difference(*(held.keys("seal") for held in known))))
        values = open_entries(rows, ChainMap(*(held.keys("seal") for held in known)))
        first = {name: value for held in known for name, value in held.first_identifiers().items()}
        return all_values(wanted, families, values, first)

    def identifiers_digest(self, pseudonyms: Iterable[str]) -> str:
        """Return a keyed digest (hex) of all these subjects' identifiers: it changes when one is added."""
        key, wanted = self.table_key("identifiers"), set(pseudonyms)
        with self._database.reading() as connection:
            families = set(families_of(connection, wanted).values())
            return digest_entries(connection, wanted.union(*families), families, key)

    # who stood in which cell of a release

    def remember_cells(self, release_id: str, cells: Mapping[str, AbstractSet[str]]) -> None:
        """Keep the members of each cell of a release; said again, the later statement holds."""
        stated = {cell: pack_members(members) for cell, members in cells.items() if members}
        with self._database.reading() as connection:
            if read_cells(connection, release_id) == stated:
                return
        with self._database.changing() as change:
            replace_cells(change.rows, release_id, stated)

    def cells_of(self, release_id: str) -> dict[str, frozenset[str]]:
        """Return the members of each cell of a release; empty for an unknown one."""
        with self._database.reading() as connection:
            packed = read_cells(connection, release_id)
        return {cell: unpack_members(members) for cell, members in packed.items()}

    def _lost(self, what: str) -> Damaged:
        return Damaged(f"the vault has lost its {what}", remedy=f"restore {self.store.place} from its backup")
