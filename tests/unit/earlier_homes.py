"""Homes of earlier formats, as the software of their time made them, with proofs given out then.

Format 1: commit 962eeb0, `home_samples.make_home`. Format 2: commit e371688, the same with 24 people, the
second batch of the last twelve only, one row of nobody, cells of a release and of a consent root, and the
receipt of GaCo01. Their databases stand in tests/fixtures/format_N as SQL, their other files in base64.
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

FIXTURES = Path(__file__).parents[1] / "fixtures"
PEOPLE_OF_FORMAT_2 = tuple(f"GaCo{number:02}" for number in range(1, 25))


def fixture_of(number: int) -> Path:
    """Return the folder of a format's home."""
    return FIXTURES / f"format_{number}"


def unpack_home(number: int, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the home of a format and its keys below `folder`, set LIVINGLAB_KEYS, return the home."""
    patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    for name in KEY_FILES:
        key = hashlib.sha256(f"format {number} fixture {name}".encode()).digest()
        write_durably(folder / "keys" / f"{0xF0 + number:016x}" / name, key)
    home = folder / "home"
    for name, content in json.loads((fixture_of(number) / "files.json").read_text()).items():
        write_durably(home / name, base64.b64decode(content))
    for name in ("registry", "vault"):
        with closing(sqlite3.connect(home / f"{name}.db")) as link:
            link.executescript((fixture_of(number) / f"{name}.sql").read_text())
    return home
