"""Wrapped secrets in the vault: those of subjects, the vault's own key, and a key a quarantine batch.

What is wrapped for a subject is their secret and the identifier by which they were first named
(docs/adr/first-identifiers.md); subjects of a home before format 3 have the secret alone.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, select

from lakehouse.adapters.key_tree import KEY_BYTES, draw_bytes, unwrap_secret, wrap_secret
from lakehouse.adapters.many_rows import rows_among
from lakehouse.adapters.vault_database import VaultChange
from lakehouse.adapters.vault_schema import KEYS, SUBJECTS


def new_secrets(named: Mapping[str, str]) -> dict[str, bytes]:
    """Return by pseudonym a new random secret, with the identifier by which its subject is first named.

    named: that identifier, by pseudonym.
    """
    pairs = zip(named.items(), draw_bytes(len(named), KEY_BYTES), strict=True)
    return {name: secret + identifier.encode() for (name, identifier), secret in pairs}


def known_subjects(connection: Connection, pseudonyms: Iterable[str]) -> set[str]:
    """Return those of the pseudonyms that a subject bears."""
    found = rows_among(connection, (SUBJECTS.c.pseudonym,), SUBJECTS.c.pseudonym, pseudonyms)
    return {pseudonym for (pseudonym,) in found}


def wrapped_secrets(connection: Connection, pseudonyms: Iterable[str]) -> dict[str, bytes]:
    """Return the wrapped secret of each of these subjects that there is."""
    chosen = (SUBJECTS.c.pseudonym, SUBJECTS.c.wrapped_secret)
    return dict(rows_among(connection, chosen, SUBJECTS.c.pseudonym, sorted(pseudonyms)))


def key_row(connection: Connection, name: str) -> Row[Any] | None:
    """Return the row of a key, or None; a destroyed key has a row whose `wrapped` is null."""
    return connection.execute(select(KEYS).where(KEYS.c.name == name)).first()


def add_key(change: VaultChange, wrapping: AESGCM, name: str) -> bytes:
    """Make a random key under a name, and return it."""
    key = os.urandom(KEY_BYTES)
    change.rows.add(KEYS, [(name, wrap_secret(wrapping, key, _wrapped_name(name)))])
    return key


def open_key(wrapping: AESGCM, name: str, wrapped: bytes) -> bytes:
    """Return the key that was wrapped under this name; Damaged where it does not open."""
    return unwrap_secret(wrapping, wrapped, _wrapped_name(name))


def _wrapped_name(name: str) -> str:
    return f"key/{name}"
