"""The secret with which the driver, the master and the workers of a Spark cluster know each other.

It is Spark's own (`spark.authenticate`, spark.apache.org/docs/latest/security.html) and opens no data. It is
handed over in private files and through Py4J, never on a command line.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import NotReady

SHORTEST = 32
SETTING = "spark.authenticate.secret"


def read_secret(file: Path) -> str:
    """Return the secret of a file, without the line's end; NotReady where there is none or it is short."""
    remedy = "openssl rand -hex 32 > FILE, the same for master, workers and drivers"
    try:
        secret = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotReady(
            "the file with the secret of the Spark cluster cannot be read", remedy=remedy
        ) from error
    if len(secret) < SHORTEST or not secret.isprintable() or " " in secret:
        raise NotReady(
            f"the secret of the Spark cluster must be {SHORTEST} letters and digits or more", remedy=remedy
        )
    return secret


def authentication(secret: str) -> dict[str, str]:
    """Return the settings by which only who knows the secret is heard, and everything said is encrypted."""
    return {
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.io.encryption.enabled": "true",
        SETTING: secret,
    }


def write_properties(file: Path, secret: Path | None, others: Mapping[str, str] | None = None) -> Path:
    """Write a private properties file for Spark's `--properties-file`: the secret's settings, and others."""
    settings = {**(others or {}), **(authentication(read_secret(secret)) if secret else {})}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.writelines(f"{name}={value}\n" for name, value in settings.items())
    return file
