"""The vault's tables: who is who, wrapped secrets, and nothing that a stranger could read."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("ordinal", Integer, primary_key=True, autoincrement=True),
    Column("pseudonym", Text, nullable=False, unique=True),
    Column("wrapped_secret", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""One row a subject; `ordinal` says who is older, which decides the canonical pseudonym of a link."""

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("system", Text, primary_key=True),
    Column("identity_hmac", LargeBinary, primary_key=True),
    Column("pseudonym", Text, ForeignKey("subjects.pseudonym"), nullable=False, index=True),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

ALIASES = Table(
    "aliases",
    METADATA,
    Column("alias", Text, ForeignKey("subjects.pseudonym"), primary_key=True),
    Column("canonical", Text, ForeignKey("subjects.pseudonym"), nullable=False, index=True),
    sqlite_strict=True,
)

IDENTIFIERS = Table(
    "identifiers",
    METADATA,
    Column("pseudonym", Text, ForeignKey("subjects.pseudonym"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value_hmac", LargeBinary, primary_key=True),
    Column("sealed_value", LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""Names, phones, addresses as sources stated them, sealed under their subject: input of redaction."""

KEYS = Table(
    "keys",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("wrapped", LargeBinary, nullable=True),
    sqlite_strict=True,
)
"""The vault key and one key a quarantine batch; a destroyed key keeps its name and loses its bytes."""

CELLS = Table(
    "cells",
    METADATA,
    Column("release_id", Text, primary_key=True),
    Column("cell", Text, primary_key=True),
    Column("pseudonym", Text, primary_key=True),
    Index("cells_by_pseudonym", "pseudonym"),
    sqlite_strict=True,
)
"""Who stood in which cell of a release, for comparison with later releases."""

COUNTER = Table("counter", METADATA, Column("value", Integer, nullable=False), sqlite_strict=True)

SEALS = Table(
    "seals",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("total", Text, nullable=False),
    Column("mac", Text, nullable=False),
    sqlite_strict=True,
)
"""For each table the number of its rows and the keyed sum over them (`vault_seals`)."""
