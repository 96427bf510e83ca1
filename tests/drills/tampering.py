"""One changed byte anywhere in a home, and what somebody does who knows the formats: fsck names it.

A byte of registry.db is a target only where it holds something: SQLite reads the same rows after a change in
free pages, unused space of pages or counters of the file, and those bytes are counted apart.
"""

import random
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.adapters.delta_tables import DeltaLake, Mode
from lakehouse.errors import Damaged
from lakehouse.pipeline import committing
from lakehouse.pipeline.fsck import check_databases, check_home, failed
from lakehouse.pipeline.fsck_registry import Finding
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from lakehouse.sites import open_site
from tests.drills.append_server import append_answer
from tests.drills.log_faults import SITE_FILE, make_log

BRONZE, SILVER, GOLD, UNSIGNED = "bronze.people", "silver.people", "gold.people", "silver.unsigned"
WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One byte of one file: where it lies, and whether fsck named the file."""

    area: str
    file: str
    place: int
    named: bool


class Killed(BaseException):
    """What stands for kill -9."""


def commit_without_spark(self: DeltaLake, table: str, staged: Path, *, mode: Mode, intent: str) -> None:
    """Take the place of Spark: commit staged rows with delta-rs."""
    del intent
    write_deltalake(self.folder_of(table), pq.read_table(staged), mode=mode)


def make_home(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make a home with tables of every layer, and with a write that was killed before its leaf."""
    patch.setattr(DeltaLake, "commit", commit_without_spark)
    home = make_log(folder, 3)
    site = open_site(folder / SITE_FILE, home)
    names = [f"P{number}" for number in range(6)]
    people = list(site.vault.subjects_for("drill", names).values())
    for batch in (1, 2):
        write(site, BRONZE, rows_of(people, batch), "append")
        write(site, SILVER, rows_of(people, batch), "overwrite")
    write(site, GOLD, pa.table({"age_band": ["60-69"], "people": [10]}), "overwrite", by_subject=False)
    append_answer(site, "answer-a")
    with patch.context() as inner, pytest.raises(Killed):
        inner.setattr(committing, "sign_intent", _die)
        write(site, UNSIGNED, rows_of(people, 3), "append")
    return home


def _die(*_arguments: object, **_named: object) -> None:
    raise Killed


def rows_of(people: Sequence[str], batch: int) -> pa.Table:
    """Return a row a person."""
    count = len(people)
    return pa.table(
        {
            "subject": list(people),
            "batch": [batch] * count,
            "file": [0] * count,
            "row": list(range(count)),
            "value": [float(batch * number) for number in range(count)],
        }
    )


def write(site: Site, table: str, rows: pa.Table, mode: Mode, *, by_subject: bool = True) -> None:
    """Write one signed version."""
    made = TableWrite(table=table, rows=rows, mode=mode, by_subject=by_subject)
    write_tables(site, verb="drill", run_key=secrets.token_hex(8), writes=[made])


def copied(home: Path) -> Path:
    """Return a copy of the home beside it, for damage."""
    work = home.with_name(WORK)
    shutil.rmtree(work, ignore_errors=True)
    return Path(shutil.copytree(home, work))


def found_in(home: Path) -> Sequence[Finding]:
    """Return what `livinglab fsck` finds in a home."""
    broken = check_databases(home)
    if broken:
        return broken.findings
    try:
        site = open_site(home.with_name(SITE_FILE), home, replay=False)
        return check_home(site, lambda _said: None).findings
    except Damaged as error:
        return failed(error, []).findings


def areas_of(home: Path) -> dict[str, list[Path]]:
    """Return the files of each area, relative to the home, without those of a version not signed yet."""
    unsigned = home / "lake" / UNSIGNED.replace(".", "/")
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(unsigned)]
    names = [path.relative_to(home) for path in sorted(files)]
    areas = {
        layer: [name for name in names if name.match(f"lake/{layer}/*/*.parquet")]
        for layer in ("bronze", "silver", "gold")
    }
    return {
        **areas,
        "Delta log": [name for name in names if "_delta_log" in name.parts],
        "tiles": [name for name in names if name.parts[:2] == ("registry", "tile")],
        "checkpoint and trust file": [Path("registry/checkpoint"), Path("registry/trust.json")],
        "registry.db": [Path("registry.db")],
        "staged rows": [name for name in names if name.match("work/*.parquet")],
    }


def change_bytes(home: Path, changes: int, seed: int) -> tuple[list[Change], int]:
    """Change one byte in each of `changes` copies of the home, area by area in turn.

    Returns what came of each, and how many bytes of registry.db held nothing.
    """
    draw = random.Random(seed)
    areas = areas_of(home)
    made: list[Change] = []
    empty = 0
    while len(made) < changes:
        area = list(areas)[len(made) % len(areas)]
        name = draw.choice(areas[area])
        work = copied(home)
        place = _flip(work / name, draw)
        if area == "registry.db" and _content(work / name) == _content(home / name):
            empty += 1
            continue
        named = any(name.name in finding.place for finding in found_in(work))
        made.append(Change(area=area, file=name.as_posix(), place=place, named=named))
    return made, empty


def _flip(file: Path, draw: random.Random) -> int:
    content = bytearray(file.read_bytes())
    place = draw.randrange(len(content))
    content[place] ^= 1 << draw.randrange(8)
    file.write_bytes(bytes(content))
    return place


def _content(file: Path) -> list[object] | None:
    """Return everything that SQLite reads from a file, None where it cannot."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as link:
            names = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            schema = link.execute("SELECT * FROM sqlite_master").fetchall()
            rows = [link.execute(f'SELECT * FROM "{name}"').fetchall() for name in names]
            whole = link.execute("PRAGMA integrity_check(1)").fetchall()
            return [schema, rows, whole]
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return None
