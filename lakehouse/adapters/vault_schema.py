"""The vault's tables: who is who, wrapped secrets, and nothing that a stranger could read."""

from sqlalchemy import Column, ForeignKey, MetaData, Table

from lakehouse.adapters.column_types import BYTES, TEXT, WHOLE

METADATA = MetaData()
PSEUDONYM_BYTES = 16
"""Random; its text is their hexadecimal digits in lower case."""

SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("ordinal", WHOLE, primary_key=True, autoincrement=True),
    Column("pseudonym", TEXT, nullable=False, unique=True),
    Column("wrapped_secret", BYTES, nullable=False),
    sqlite_autoincrement=True,
    sqlite_strict=True,
)
"""One row a subject; `ordinal` says who is older, which decides the canonical pseudonym of a link."""

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("system", TEXT, primary_key=True),
    Column("identity_hmac", BYTES, primary_key=True),
    Column("pseudonym", TEXT, ForeignKey("subjects.pseudonym"), nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
"""No index by pseudonym: nobody looks there but erasure, and each new person would pay for it."""

ALIASES = Table(
    "aliases",
    METADATA,
    Column("alias", TEXT, ForeignKey("subjects.pseudonym"), primary_key=True),
    Column("canonical", TEXT, ForeignKey("subjects.pseudonym"), nullable=False, index=True),
    sqlite_strict=True,
)

IDENTIFIERS = Table(
    "identifiers",
    METADATA,
    Column("pseudonym", TEXT, ForeignKey("subjects.pseudonym"), primary_key=True),
    Column("kind", TEXT, primary_key=True),
    Column("value_hmac", BYTES, primary_key=True),
    Column("sealed_value", BYTES, nullable=False),
    sqlite_strict=True,
)
"""Names, phones, addresses as sources stated them, sealed under their subject: input of redaction."""

KEYS = Table(
    "keys",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("wrapped", BYTES, nullable=True),
    sqlite_strict=True,
)
"""The vault key and one key a quarantine batch; a destroyed key keeps its name and loses its bytes."""

CELL_MEMBERS = Table(
    "cell_members",
    METADATA,
    Column("release_id", TEXT, primary_key=True),
    Column("cell", TEXT, primary_key=True),
    Column("members", BYTES, nullable=False),
    sqlite_strict=True,
)
"""Who stood in which cell of a release, for comparison with later releases: `vault_cells` packs them."""

COUNTER = Table("counter", METADATA, Column("value", WHOLE, nullable=False), sqlite_strict=True)

SEALS = Table(
    "seals",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("rows", WHOLE, nullable=False),
    Column("total", TEXT, nullable=False),
    Column("mac", TEXT, nullable=False),
    sqlite_strict=True,
)
"""For each table the number of its rows and the keyed sum over them (`vault_seals`)."""
