"""Column types that keep the same values in SQLite and in PostgreSQL, in the same order."""

from sqlalchemy import BigInteger, Integer, LargeBinary, Text

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes, whatever language the server sorts by."""

WHOLE = Integer().with_variant(BigInteger(), "postgresql")
"""64-bit integers."""

BYTES = LargeBinary()
