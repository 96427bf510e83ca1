"""Replace a record's id by one that only its subject's key makes.

Rows about one record still meet (a condition and its encounter), the source's id is gone, and when
the subject's key is destroyed nothing recomputes the new one. `urn:uuid:` and `Type/` before a FHIR
id are dropped first, so that a reference and the id it names become the same.
"""

import hmac

import pyarrow as pa

from lakehouse.adapters.key_tree import derive_key
from lakehouse.core.contract import Column
from lakehouse.methods.context import Applied, MethodContext


def apply(values: pa.Array, column: Column, context: MethodContext) -> Applied:
    """Return text (n), 128 bits in hex; a value without a subject is refused (`no_person`)."""
    del column
    sealing = context.secrets.keys("seal")
    subjects = context.subjects.to_pylist()
    keys = {subject: derive_key(sealing[subject], "record_id") for subject in set(subjects) - {None}}
    made: list[str | None] = []
    rejected: dict[int, str] = {}
    for row, (value, subject) in enumerate(zip(values.to_pylist(), subjects, strict=True)):
        if value is not None and subject is None:
            rejected[row] = "no_person"
        known = value is not None and subject is not None
        made.append(_keyed(keys[subject], bare_id(value)) if known else None)
    return Applied(values=pa.array(made, pa.string()), rejected=rejected)


def bare_id(reference: str) -> str:
    """Return the id that a FHIR reference names: `urn:uuid:ID`, `Type/ID` or `ID`."""
    return reference.removeprefix("urn:uuid:").rsplit("/", 1)[-1]


def _keyed(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), "sha256")[:16].hex()
