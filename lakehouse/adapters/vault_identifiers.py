"""Names, phones, addresses as sources stated them, sealed under their person: input of redaction.

The identifier by which somebody was first named is not among them: it is wrapped with their secret.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import groupby
from operator import itemgetter

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from lakehouse.adapters.key_tree import digest_under, frame_parts, open_bytes, seal_bytes
from lakehouse.adapters.many_rows import ROWS_AT_ONCE, rows_among, rows_at_least
from lakehouse.adapters.vault_people import canonical_of
from lakehouse.adapters.vault_schema import IDENTIFIERS

NAMED_BY = "identifier"
"""The kind of the values that name a person in a system."""
OWN = "own:"
"""Begins the kinds of values that one person alone may state: kept to compare, not to redact."""

Entry = tuple[str, str, bytes]
"""Pseudonym, kind and digest of a value: the key of a row."""
SealedEntry = tuple[str, str, bytes, bytes]
SealedValue = tuple[str, str, bytes]
"""Pseudonym, kind and sealed value."""
_OWNER = itemgetter(0)


def entry_digests(index_key: bytes, stated: Iterable[tuple[str, str, str]]) -> dict[Entry, str]:
    """Return by its key each value of (pseudonym, kind, value) that is not blank."""
    digest = _value_digests(index_key)
    return {
        (pseudonym, kind, digest(kind)(value)): value
        for pseudonym, kind, value in dict.fromkeys(stated)
        if value.strip()
    }


def missing_entries(connection: Connection, asked: Iterable[Entry]) -> set[Entry]:
    """Return the keys under which nothing is kept."""
    missing = set(asked)
    people = sorted({pseudonym for pseudonym, _, _ in missing})
    key = (IDENTIFIERS.c.pseudonym, IDENTIFIERS.c.kind, IDENTIFIERS.c.value_hmac)
    missing.difference_update(rows_among(connection, key, IDENTIFIERS.c.pseudonym, people))
    return missing


def seal_entries(
    entries: Iterable[Entry], values: Mapping[Entry, str], keys: Mapping[str, bytes]
) -> Iterator[SealedEntry]:
    """Yield the rows of these values in the order of the table's index; keys: the `seal` key of each person.

    A cipher takes 2.4 kB: those of a million people are not held at once.
    """
    place = _sealing_places()
    for pseudonym, own in groupby(sorted(entries), _OWNER):
        cipher = AESGCM(keys[pseudonym])
        for entry in own:
            yield *entry, seal_bytes(cipher, values[entry].encode(), place(entry[1], pseudonym))


def open_entries(rows: Iterable[SealedValue], keys: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return by pseudonym the values that `seal_entries` sealed; Damaged where one does not open."""
    place = _sealing_places()
    values: dict[str, set[str]] = {}
    for pseudonym, own in groupby(rows, _OWNER):
        cipher, opened = AESGCM(keys[pseudonym]), values.setdefault(pseudonym, set())
        for _, kind, sealed in own:
            opened.add(open_bytes(cipher, sealed, place(kind, pseudonym)).decode())
    return values


def known_values(connection: Connection, pseudonyms: AbstractSet[str]) -> list[SealedValue]:
    """Return what was kept that identifies these pseudonyms in free text, of each all at once."""
    chosen = (IDENTIFIERS.c.pseudonym, IDENTIFIERS.c.kind, IDENTIFIERS.c.sealed_value)
    rows = rows_at_least(connection, chosen, IDENTIFIERS.c.pseudonym, pseudonyms)
    known = [row for row in rows if row[0] in pseudonyms and not row[1].startswith(OWN)]
    return sorted(known, key=_OWNER)


def all_values(
    wanted: Iterable[str],
    families: Mapping[str, tuple[str, ...]],
    kept: Mapping[str, AbstractSet[str]],
    first: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Return by pseudonym the values that identify each of `wanted` under any pseudonym, sorted.

    families: `families_of`; kept: values by pseudonym; first: by pseudonym the first identifier.
    """
    values: dict[str, tuple[str, ...]] = {}
    for name in wanted:
        if name in kept or name in families:
            family = families.get(name, (name,))
            own = {first[member] for member in family if member in first}
            values[name] = tuple(sorted(own.union(*[kept[member] for member in family if member in kept])))
        else:
            values[name] = (first[name],) if name in first else ()
    return values


def digest_entries(
    connection: Connection,
    pseudonyms: AbstractSet[str],
    families: AbstractSet[tuple[str, ...]],
    key: bytes,
) -> str:
    """Return the keyed digest (hex) of what identifies people in text, all their pseudonyms being given.

    families: those of the people who have several pseudonyms. A first identifier stays what it is: it
    counts where a link gives it to somebody else.
    """
    digest = hmac.new(key, digestmod="sha256")
    for entries in _framed_entries(connection, pseudonyms):
        digest.update(b"".join(sorted(entries)))
    digest.update(b"".join(frame_parts("family", *family) for family in sorted(families)))
    return digest.hexdigest()


def holders_of(
    connection: Connection, index_key: bytes, stated: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    """Return the canonical pseudonyms under which each (kind, value) is kept; none for an unknown one."""
    digest = _value_digests(index_key)
    asked = {digest(kind)(value): (kind, value) for kind, value in stated}
    chosen = (IDENTIFIERS.c.value_hmac, IDENTIFIERS.c.pseudonym)
    rows = list(rows_among(connection, chosen, IDENTIFIERS.c.value_hmac, asked))
    canonical = canonical_of(connection, [pseudonym for _, pseudonym in rows])
    holders: dict[tuple[str, str], set[str]] = {}
    for made, pseudonym in rows:
        holders.setdefault(asked[made], set()).add(canonical[pseudonym])
    return holders


def _framed_entries(connection: Connection, pseudonyms: AbstractSet[str]) -> Iterator[list[bytes]]:
    key = (IDENTIFIERS.c.pseudonym, IDENTIFIERS.c.kind, IDENTIFIERS.c.value_hmac)
    if connection.execute(select(*key).limit(1)).first() is None:
        return
    ordered = sorted(pseudonyms)
    for start in range(0, len(ordered), ROWS_AT_ONCE):
        part = set(ordered[start : start + ROWS_AT_ONCE])
        yield [
            frame_parts(pseudonym, kind) + digest
            for pseudonym, kind, digest in rows_at_least(connection, key, IDENTIFIERS.c.pseudonym, part)
            if pseudonym in part and not kind.startswith(OWN)
        ]


def _value_digests(index_key: bytes) -> Callable[[str], Callable[[str], bytes]]:
    """Return what gives, for a kind, the digest of its values."""
    return cache(lambda kind: digest_under(index_key, "identifier", kind))


def _sealing_places() -> Callable[[str, str], bytes]:
    """Return what gives the associated data of a value of (kind, pseudonym)."""
    of_kind = cache(lambda kind: frame_parts("vault", "identifiers", kind))
    return lambda kind, pseudonym: of_kind(kind) + frame_parts(pseudonym)
