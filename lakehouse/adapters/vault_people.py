"""Who is who in the vault: identities by their digests, new subjects, and which subjects are one person."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from lakehouse.adapters.key_tree import draw_bytes, frame_parts, wrap_secrets
from lakehouse.adapters.many_rows import next_numbers, rows_among, rows_at_least
from lakehouse.adapters.person_secrets import Secrets
from lakehouse.adapters.vault_database import VaultChange
from lakehouse.adapters.vault_schema import ALIASES, IDENTITIES, PSEUDONYM_BYTES, SUBJECTS
from lakehouse.adapters.vault_secrets import new_secrets
from lakehouse.core.many_macs import many_macs

ALIAS_PAIR = (ALIASES.c.alias, ALIASES.c.canonical)


def identity_digests(index_key: bytes, system: str, identifiers: Iterable[str]) -> dict[bytes, str]:
    """Return by its digest each of the identifiers, once, in the order of the digests.

    A database looks them up and keeps them in that order: it touches each of its pages once.
    """
    values = list(identifiers)
    begun = frame_parts("identity", system)
    digests = many_macs(index_key, (begun + frame_parts(value) for value in values))
    return dict(sorted(zip(digests, values, strict=True)))


def known_people(connection: Connection, system: str, asked: Mapping[bytes, str]) -> dict[str, str]:
    """Return the canonical pseudonym of each identifier that is known; asked: `identity_digests`."""
    chosen = (IDENTITIES.c.identity_hmac, IDENTITIES.c.pseudonym)
    rows = list(rows_among(connection, chosen, IDENTITIES.c.identity_hmac, asked, system=system))
    elder = elders_of(connection, [pseudonym for _, pseudonym in rows])
    return {asked[digest]: elder.get(pseudonym, pseudonym) for digest, pseudonym in rows}


def add_people(
    change: VaultChange, wrapping: AESGCM, system: str, missing: Mapping[bytes, str]
) -> tuple[dict[str, str], Secrets]:
    """Make a subject for each identifier; return its pseudonym by identifier, and the new subjects' secrets.

    missing: `identity_digests`. Subjects are numbered in the order of the random pseudonyms, which says
    nothing of who was named when.
    """
    names = [drawn.hex() for drawn in draw_bytes(len(missing), PSEUDONYM_BYTES)]
    secrets = new_secrets(dict(sorted(zip(names, missing.values(), strict=True))))
    numbers = next_numbers(change.connection, SUBJECTS, len(secrets))
    wrapped = wrap_secrets(wrapping, secrets)
    change.rows.add(SUBJECTS, list(zip(numbers, secrets, wrapped, strict=True)))
    add_identities(change, system, dict(zip(missing, names, strict=True)))
    return dict(zip(missing.values(), names, strict=True)), secrets


def add_identities(change: VaultChange, system: str, subjects: Mapping[bytes, str]) -> None:
    """Let digests of identifiers name their subjects."""
    change.rows.add(IDENTITIES, [(system, digest, name) for digest, name in subjects.items()])


def elders_of(connection: Connection, pseudonyms: Collection[str]) -> dict[str, str]:
    """Return the oldest pseudonym of at least those of these subjects that are aliases."""
    return dict(rows_at_least(connection, ALIAS_PAIR, ALIASES.c.alias, pseudonyms))


def canonical_of(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, str]:
    """Return the oldest pseudonym of each subject; one without aliases is its own."""
    wanted = dict.fromkeys(pseudonyms)
    elder = elders_of(connection, wanted)
    return {pseudonym: elder.get(pseudonym, pseudonym) for pseudonym in wanted}


def families_of(connection: Connection, pseudonyms: AbstractSet[str]) -> dict[str, tuple[str, ...]]:
    """Return every pseudonym of the person whom each of these names, the canonical one first.

    Whoever has one pseudonym only is not in it, which is nearly everybody.
    """
    elders = elders_of(connection, pseudonyms)
    canonical = pseudonyms | set(elders.values()) if elders else pseudonyms
    younger: dict[str, list[str]] = {}
    for alias, elder in rows_at_least(connection, ALIAS_PAIR, ALIASES.c.canonical, canonical):
        younger.setdefault(elder, []).append(alias)
    return {
        name: (elder, *sorted(aliases))
        for elder, aliases in younger.items()
        for name in (elder, *aliases)
        if name in pseudonyms
    }


def merge_subjects(change: VaultChange, one: str, other: str) -> None:
    """Make the younger of two canonical subjects, and all its aliases, aliases of the older."""
    pair = SUBJECTS.c.pseudonym.in_([one, other])
    ordered = select(SUBJECTS.c.pseudonym).where(pair).order_by(SUBJECTS.c.ordinal)
    older, younger = change.connection.scalars(ordered)
    change.rows.change(ALIASES, ALIASES.c.canonical == younger, canonical=older)
    change.rows.add(ALIASES, [(younger, older)])
