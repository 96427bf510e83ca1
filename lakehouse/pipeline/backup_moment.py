"""The moment of a backup: what changes, taken while nobody can sign; and the names of what never changes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.delta_log import LOG
from lakehouse.adapters.durable_files import is_unfinished
from lakehouse.adapters.model_store import MANIFEST, MODEL_FILES, SIGNATURE
from lakehouse.adapters.site_file import HOME_WITNESSES
from lakehouse.adapters.sql_registry import Row
from lakehouse.adapters.tile_log import CHECKPOINT, TRUST
from lakehouse.core.tiles import edge_names, file_names
from lakehouse.pipeline.backup_stores import CopiedStores, copy_stores, settle_copies
from lakehouse.pipeline.home_identity import IDENTITY
from lakehouse.pipeline.log_records import LOG_LOCK, publish_log
from lakehouse.pipeline.site import Home, Site
from lakehouse.pipeline.writing import table_locks

LAST_CHECKPOINT = f"{LOG}/_last_checkpoint"
"""The one file of a table that Delta writes anew; a write under way may have moved it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One state of a home: its stores, the log's head, and contents of small files that change.

    log_files: by path in the home; pointers: by table.
    """

    stores: CopiedStores
    size: int
    root: str
    log_files: Mapping[str, bytes]
    pointers: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that never changes. sha256: None where no row says it; optional: a vacuum may have taken it."""

    path: str
    sha256: str | None = None
    optional: bool = False


def take_moment(site: Site, folder: Path, tables: Sequence[str]) -> Moment:
    """Copy stores, the log's newest files and Delta's pointers in a moment in which nobody can sign.

    Writers wait for as long as it takes to copy two databases. `tables` are kept from being written too:
    those whose pointer a write under way had moved on.
    """
    with _without_writers(site, tables), site.locks.hold([LOG_LOCK]):
        publish_log(site)
        copy_stores(site, folder)
        size, root = site.log.size(), site.log.root().hex()
        log_files = {f"registry/{name}": _read(site.home, "registry", name) for name in _newest_names(size)}
        pointers = {
            f"{path.parts[-4]}.{path.parts[-3]}": path.read_bytes()
            for path in site.lake.folder.glob(f"*/*/{LAST_CHECKPOINT}")
        }
    return Moment(
        stores=settle_copies(site, folder), size=size, root=root, log_files=log_files, pointers=pointers
    )


def unsettled_tables(moment: Moment) -> list[str]:
    """Return the tables whose pointer is not the one that their newest signed version names."""
    named = _pointer_digests(moment)
    return [table for table, digest in named.items() if _sha256(moment.pointers.get(table, b"")) != digest]


def pointer_files(moment: Moment) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the Delta pointers that signed versions name."""
    for table in _pointer_digests(moment):
        yield table_path(table, LAST_CHECKPOINT), moment.pointers[table]


def named_files(moment: Moment) -> Iterator[NamedFile]:
    """Yield what the copied registry names: tiles of its log, models, files of signed versions."""
    for name in file_names(moment.size):
        if f"registry/{name}" not in moment.log_files:
            yield NamedFile(path=f"registry/{name}")
    for row in moment.stores.models:
        for name in (*MODEL_FILES, MANIFEST, SIGNATURE):
            yield NamedFile(path=f"models/{row['name']}/{row['digest']}/{name}")
    yield from _table_files(moment.stores.versions)


def loose_files(home: Home) -> Iterator[str]:
    """Yield the paths of what is small and belongs to no version: identity, witnesses, reports."""
    yield IDENTITY
    if home.place(HOME_WITNESSES).is_file():
        yield HOME_WITNESSES
    for path in sorted(home.place("reports").rglob("*")):
        if path.is_file() and not path.is_symlink() and not is_unfinished(path):
            yield path.relative_to(home.path).as_posix()


def table_path(table: str, path: str) -> str:
    """Return the path in the home of a file of a table."""
    layer, _, name = table.partition(".")
    return f"lake/{layer}/{name}/{path}"


def _newest_names(size: int) -> list[str]:
    tiles, bundle = edge_names(size)
    return [CHECKPOINT, TRUST, *(name for name in (*tiles, bundle) if name)]


def _read(home: Home, *names: str) -> bytes:
    return home.place(*names).read_bytes()


@contextmanager
def _without_writers(site: Site, tables: Sequence[str]) -> Iterator[None]:
    if not tables:
        yield
        return
    with table_locks(site, tables):
        yield


def _pointer_digests(moment: Moment) -> dict[str, str]:
    """Return what the newest version of each table says of its pointer, where there is one."""
    rows = sorted(moment.stores.versions, key=lambda row: row["version"])
    newest = {row["table_name"]: dict(row["manifest"]) for row in rows}
    return {table: files[LAST_CHECKPOINT] for table, files in newest.items() if LAST_CHECKPOINT in files}


def _table_files(versions: Sequence[Row]) -> Iterator[NamedFile]:
    """Yield each file of signed versions once; the newest that names it says whether it must be there."""
    closed: dict[str, int] = {}
    for row in versions:
        if row["kind"] == "vacuum_end":
            closed[row["table_name"]] = max(row["version"], closed.get(row["table_name"], 0))
    named: dict[str, NamedFile] = {}
    for row in sorted(versions, key=lambda row: row["version"]):
        optional = row["version"] < closed.get(row["table_name"], 0)
        for path, digest in row["manifest"]:
            if path != LAST_CHECKPOINT:
                own = table_path(row["table_name"], path)
                named[own] = NamedFile(path=own, sha256=digest, optional=optional)
    yield from named.values()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
