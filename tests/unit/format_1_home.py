"""A home of format 1, as commit 962eeb0 made it with `home_samples.make_home` and the keys below.

Its databases stand in tests/fixtures/format_1 as SQL, its other files in base64, with a proof given out then.
"""

import base64
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lakehouse.adapters.durable_files import write_durably
from lakehouse.adapters.keyring import KEY_FILES

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format_1"
HOME_ID = "00000000000000f1"
PROOF = FIXTURE / "proof.json"


def unpack_format_1(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the home and its keys below `folder`, set LIVINGLAB_KEYS, return the home."""
    patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    for name in KEY_FILES:
        key = hashlib.sha256(f"format 1 fixture {name}".encode()).digest()
        write_durably(folder / "keys" / HOME_ID / name, key)
    home = folder / "home"
    for name, content in json.loads((FIXTURE / "files.json").read_text()).items():
        write_durably(home / name, base64.b64decode(content))
    for name in ("registry", "vault"):
        with closing(sqlite3.connect(home / f"{name}.db")) as link:
            link.executescript((FIXTURE / f"{name}.sql").read_text())
    return home
