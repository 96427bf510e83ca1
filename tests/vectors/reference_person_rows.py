"""A person's leaf from their private document a second time, standard library only.

From the words of docs/proofs.md (Rows) and RFC 5869. Run as a program it writes person_rows.json anew.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import reference_rows

DOCUMENT: dict[str, Any] = {
    "schema": "livinglab/rows/v1",
    "table": "silver.gait_people",
    "intent": "00112233445566778899aabbccddeeff",
    "pseudonym": "0123456789abcdef0123456789abcdef",
    "key": base64.b64encode(bytes(range(32))).decode(),
    "columns": [
        {"name": "age", "type": "f", "values": ["82.0", None, "NaN"]},
        {"name": "born", "type": "d", "values": [-10000, None, 20000]},
        {"name": "free", "type": "b", "values": [True, False, None]},
        {"name": "id__sealed", "type": "x", "values": ["AP8=", "", None]},
        {"name": "seen", "type": "t", "values": ["1700000000000000", None, "-1"]},
        {"name": "sex", "type": "s", "values": ["female", None, "é"]},
        {"name": "walk", "type": "i", "values": ["-9223372036854775808", "1", None]},
    ],
}
_READ = {"i": int, "t": int, "f": float, "x": base64.b64decode}


def person_leaf(document: bytes) -> str:
    """Return the content leaf (hex) that the document's rows and key give."""
    fields = json.loads(document)
    columns = {own["name"]: (own["type"], _values(own["type"], own["values"])) for own in fields["columns"]}
    key = digest_key(base64.b64decode(fields["key"]))
    rows = reference_rows.canonical_rows(columns)
    return reference_rows.content_leaf(key, fields["table"], fields["intent"], fields["pseudonym"], rows)


def digest_key(receipt: bytes) -> bytes:
    """HKDF-SHA256 without salt, one block: the digest key below a receipt key."""
    secret = hmac.digest(b"", receipt, hashlib.sha256)
    return hmac.digest(secret, b"livinglab/v1/digest\x01", hashlib.sha256)


def _values(letter: str, values: list[Any]) -> list[Any]:
    read = _READ.get(letter, lambda value: value)
    return [None if value is None else read(value) for value in values]


def main() -> None:
    """Write person_rows.json: a document as canonical JSON, and its leaf."""
    document = json.dumps(DOCUMENT, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    vector = {"document": document, "leaf": person_leaf(document.encode())}
    Path(__file__).with_name("person_rows.json").write_text(json.dumps(vector, indent=1) + "\n")


if __name__ == "__main__":
    main()
