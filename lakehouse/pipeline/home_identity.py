"""home.json: whose home a folder is, and in which format. Everything else of a home is found through it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lakehouse.adapters.durable_files import write_durably
from lakehouse.core.home_format import require_current_format
from lakehouse.errors import Damaged, NotReady
from lakehouse.pipeline.site import IN_FILES, Home

IDENTITY = "home.json"
STORES = ("registry.db", "vault.db")
"""The databases of a home that keeps them in files."""

NAMES = {"sqlite": "a file of the home", "postgresql": "PostgreSQL"}


def read_home(path: Path, *, current: bool = True) -> Home:
    """Return the identity of a home, whose format must be this software's where it is `current`.

    Raises NotReady where there is none or its format is another, Damaged where it is lost or unreadable.
    """
    file = path / IDENTITY
    if not file.exists():
        refuse_headless(path)
        raise NotReady(
            f"there is no LivingLab home in {path.name!r}", remedy="livinglab demo, or name one with --home"
        )
    home = replace(parse_identity(file.read_bytes()), path=path)
    if current:
        require_current_format(home.format)
    return home


def parse_identity(content: bytes) -> Home:
    """Return the home that a home.json speaks of, without its place; Damaged where it cannot be parsed."""
    try:
        said = json.loads(content)
        number = _whole_number(said.get("format", 1))
        return Home(
            path=Path(),
            id=_hex_id(said["id"]),
            origin=str(said["origin"]),
            format=number,
            stores=_kinds(said.get("stores", {})),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged("home.json cannot be parsed", remedy="restore it from a backup of this home") from error


def write_identity(home: Home) -> None:
    """Write home.json: id, origin, format and stores outside the home, whole or not at all."""
    said: dict[str, object] = {"id": home.id, "origin": home.origin, "format": home.format}
    if home.stores != IN_FILES:
        said["stores"] = dict(home.stores)
    write_durably(home.place(IDENTITY), json.dumps(said).encode())


def refuse_headless(path: Path) -> None:
    """A folder that holds a vault or registry but no identity is a home that lost it, not an empty one."""
    if any((path / name).exists() for name in STORES):
        raise Damaged(f"{IDENTITY} of this home is missing", remedy="restore it from a backup of this home")


def require_stores(home: Home, kinds: Mapping[str, str]) -> None:
    """Raise NotReady where a site file keeps the stores elsewhere than this home does.

    Else a home whose vault is in PostgreSQL would be given an empty one in a file, or the other way round.
    """
    for name, kind in home.stores.items():
        if kinds.get(name) != kind:
            raise NotReady(
                f"the {name} of this home is kept by {NAMES[kind]}, the site file names {NAMES[kinds[name]]}",
                remedy="name this home's own site file with --site",
            )


def _kinds(said: object) -> Mapping[str, str]:
    found = {**IN_FILES, **dict(said)} if isinstance(said, Mapping) else {}
    if found.keys() != IN_FILES.keys() or not set(found.values()) <= NAMES.keys():
        raise ValueError("not what keeps the stores")
    return found


def _whole_number(value: object) -> int:
    if type(value) is not int:
        raise ValueError("not the number of a format")
    return value


def _hex_id(text: object) -> str:
    if not isinstance(text, str) or len(text) != 16 or set(text) - set("0123456789abcdef"):
        raise ValueError("not a home's id")
    return text
