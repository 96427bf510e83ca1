"""The lake's files against the versions of registry.db: nothing changed, nothing missing, nothing besides."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lakehouse.adapters.delta_log import LOG, file_sha256, table_files, table_versions
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.digests import file_digest, is_digest
from lakehouse.errors import WrongUse
from lakehouse.pipeline.fsck_registry import Finding, Snapshot
from lakehouse.pipeline.intents import OPEN, STAGED, staged_name, staged_problem
from lakehouse.pipeline.signing import file_opening
from lakehouse.pipeline.site import Site

LAST_CHECKPOINT = f"{LOG}/_last_checkpoint"


def table_folders(site: Site) -> dict[str, set[str]]:
    """Return the files there are, by table: taken before the registry is read, so that no write is missed."""
    lake = site.lake.folder
    folders = sorted(path for path in lake.glob("*/*") if path.is_dir())
    return {f"{path.parent.name}.{path.name}": table_files(path) for path in folders}


def stray_files(site: Site) -> Iterator[Finding]:
    """Yield files of the lake that lie in no table."""
    for path in sorted(site.lake.folder.glob("*")) + sorted(site.lake.folder.glob("*/*")):
        if not path.is_dir():
            yield Finding(kind="unknown file in the lake", place=_place(site, path))


def check_outbox(site: Site, snapshot: Snapshot) -> Iterator[Finding]:
    """Compare what open writes have staged with what the outbox says; a write may end meanwhile."""
    for intent in (row for row in snapshot.of("intents") if row["state"] == OPEN):
        for number, table in enumerate(intent["tables"]):
            file = site.lake.staged(staged_name(intent["intent_id"], number))
            problem = staged_problem(table, file) if STAGED in table else None
            if problem and _is_open(site, intent):
                yield Finding(kind=problem, place=f"work/{file.name}")


def _is_open(site: Site, intent: Row) -> bool:
    with site.registry.reading(believed=False) as tx:
        now = tx.one("intents", intent_id=intent["intent_id"])
    return now is not None and now["state"] == OPEN


def check_table(site: Site, table: str, files: set[str], snapshot: Snapshot) -> Iterator[Finding]:
    """Compare one table's files, commits and manifests with its signed versions."""
    rows = [row for row in snapshot.of("versions") if row["table_name"] == table]
    base = _base_of_open_write(snapshot, table)
    folder = site.lake.folder_of(table)
    if not rows and base is None:
        yield Finding(kind="table without a leaf", place=f"lake/{table}")
        return
    yield from _check_commits(table, folder, rows, base)
    manifests = {row["version"]: _manifest_of(row) for row in rows}
    for row in rows:
        if not _gives_digest(site, row, manifests[row["version"]]):
            yield Finding(
                kind="manifest is not that of the file digest",
                place=f"registry.db versions {table}@{row['version']}",
            )
    yield from _check_files(table, folder, manifests, _closed_below(rows))
    named = {path for manifest in manifests.values() for path in manifest}
    if base is None:
        for path in sorted(files - named):
            if (folder / path).exists() or (folder / path).is_symlink():
                yield Finding(kind="file that no version names", place=f"lake/{table}/{path}")


def _check_commits(table: str, folder: Path, rows: Sequence[Row], base: int | None) -> Iterator[Finding]:
    """Every Delta version has a leaf and every leaf its Delta version."""
    signed = {row["version"] for row in rows}
    there = set(table_versions(folder))
    for version in sorted(there - signed):
        if base is None or version <= base:
            yield Finding(kind="Delta version without a leaf", place=f"lake/{table}@{version}")
    for version in sorted(signed - there):
        if version >= _closed_below(rows):
            yield Finding(kind="Delta version is missing", place=f"lake/{table}@{version}")


def _check_files(
    table: str, folder: Path, manifests: Mapping[int, Mapping[str, str]], closed_below: int
) -> Iterator[Finding]:
    """Hash each named file once; it must be what every manifest says that names it."""
    expected: dict[str, dict[int, str]] = {}
    for version, manifest in manifests.items():
        for path, digest in manifest.items():
            expected.setdefault(path, {})[version] = digest
    for path, said in sorted(expected.items()):
        newest = max(said)
        digests = {said[newest]} if path == LAST_CHECKPOINT else set(said.values())
        file = folder / path
        if not file.is_file():
            if newest >= closed_below:
                yield Finding(kind="file is missing", place=f"lake/{table}/{path}")
        elif file.is_symlink() or digests != {file_sha256(file)}:
            yield Finding(kind="file was changed", place=f"lake/{table}/{path}")


def _manifest_of(row: Row) -> dict[str, str]:
    """Return the manifest of a row, empty where it is not a list of (path, digest)."""
    pairs = row["manifest"]
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return {}
    return {str(path): str(digest) for path, digest in pairs if is_digest(digest) and _is_inside(str(path))}


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/")


def _gives_digest(site: Site, row: Row, manifest: Mapping[str, str]) -> bool:
    try:
        made = file_digest(tuple(manifest.items()), file_opening(site, row["table_name"], row["version"]))
    except WrongUse:
        return False
    return bool(made == row["file_digest"])


def _closed_below(rows: Sequence[Row]) -> int:
    """Return the version below which a finished vacuum may have taken files away."""
    return max((row["version"] for row in rows if row["kind"] == "vacuum_end"), default=0)


def _base_of_open_write(snapshot: Snapshot, table: str) -> int | None:
    """Return the version that an unfinished write started from, or None where none is under way."""
    for intent in snapshot.of("intents"):
        if intent["state"] == OPEN:
            for written in intent["tables"]:
                if written["table"] == table:
                    return int(written["base"])
    return None


def _place(site: Site, path: Path) -> str:
    return path.relative_to(site.home.path).as_posix()
