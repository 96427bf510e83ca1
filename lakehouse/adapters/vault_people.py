"""Who is who in the vault: identities by their digests, new subjects, and which subjects are one person."""

import os
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from lakehouse.adapters.key_tree import digest_under
from lakehouse.adapters.many_rows import next_numbers, rows_among, rows_at_least
from lakehouse.adapters.vault_database import VaultChange
from lakehouse.adapters.vault_schema import ALIASES, IDENTITIES, PSEUDONYM_BYTES, SUBJECTS
from lakehouse.adapters.vault_secrets import wrap_new_secret

ALIAS_PAIR = (ALIASES.c.alias, ALIASES.c.canonical)


def identity_digests(index_key: bytes, system: str, identifiers: Iterable[str]) -> dict[bytes, str]:
    """Return by its digest each of the identifiers, once, in their order."""
    digest = digest_under(index_key, "identity", system)
    return {digest(value): value for value in dict.fromkeys(identifiers)}


def known_people(connection: Connection, system: str, asked: Mapping[bytes, str]) -> dict[str, str]:
    """Return the canonical pseudonym of each identifier that is known; asked: `identity_digests`."""
    chosen = (IDENTITIES.c.identity_hmac, IDENTITIES.c.pseudonym)
    rows = list(rows_among(connection, chosen, IDENTITIES.c.identity_hmac, asked, system=system))
    canonical = canonical_of(connection, [pseudonym for _, pseudonym in rows])
    return {asked[digest]: canonical[pseudonym] for digest, pseudonym in rows}


def add_people(
    change: VaultChange, wrapping: AESGCM, system: str, missing: Mapping[bytes, str]
) -> dict[str, str]:
    """Make a subject for each identifier and return its pseudonym; missing: `identity_digests`.

    Rows are written in the order of the random pseudonyms, which says nothing of who was named when.
    """
    named = sorted((os.urandom(PSEUDONYM_BYTES).hex(), digest) for digest in missing)
    numbers = next_numbers(change.connection, SUBJECTS, len(named))
    subjects = [
        (number, name, wrap_new_secret(wrapping, name, missing[digest]))
        for number, (name, digest) in zip(numbers, named, strict=True)
    ]
    change.rows.add(SUBJECTS, subjects)
    add_identities(change, system, {digest: name for name, digest in named})
    return {missing[digest]: name for name, digest in named}


def add_identities(change: VaultChange, system: str, subjects: Mapping[bytes, str]) -> None:
    """Let digests of identifiers name their subjects."""
    change.rows.add(IDENTITIES, [(system, digest, name) for digest, name in subjects.items()])


def canonical_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Return the oldest pseudonym of each subject; one without aliases is its own."""
    wanted = dict.fromkeys(pseudonyms)
    elder = dict(rows_at_least(connection, ALIAS_PAIR, ALIASES.c.alias, wanted))
    return {pseudonym: elder.get(pseudonym, pseudonym) for pseudonym in wanted}


def families_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return every pseudonym of the person whom each of these names, the canonical one first."""
    canonical = canonical_of(connection, pseudonyms)
    younger: dict[str, list[str]] = {}
    for alias, elder in rows_at_least(connection, ALIAS_PAIR, ALIASES.c.canonical, set(canonical.values())):
        younger.setdefault(elder, []).append(alias)
    return {name: (elder, *sorted(younger.get(elder, ()))) for name, elder in canonical.items()}


def merge_subjects(change: VaultChange, one: str, other: str) -> None:
    """Make the younger of two canonical subjects, and all its aliases, aliases of the older."""
    pair = SUBJECTS.c.pseudonym.in_([one, other])
    ordered = select(SUBJECTS.c.pseudonym).where(pair).order_by(SUBJECTS.c.ordinal)
    older, younger = change.connection.scalars(ordered)
    change.rows.change(ALIASES, ALIASES.c.canonical == younger, canonical=older)
    change.rows.add(ALIASES, [(younger, older)])
