"""Walk every Delta version, registry row and log file against each other (INTERFACE, `fsck`)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.sqlite_integrity import is_whole
from lakehouse.errors import Damaged
from lakehouse.pipeline.fsck_models import check_models
from lakehouse.pipeline.fsck_people import (
    check_content,
    check_vault_age,
    check_vault_rows,
    newest_versions,
)
from lakehouse.pipeline.fsck_registry import (
    Advance,
    Finding,
    Snapshot,
    check_log,
    check_records,
    check_rows,
    check_statements,
    do_nothing,
    read_snapshot,
)
from lakehouse.pipeline.fsck_tables import check_outbox, check_table, stray_files, table_folders
from lakehouse.pipeline.fsck_witnesses import check_cosignatures
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site

Say = Callable[[str], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
"""Shows the progress of what has a title and so many steps; it yields what takes the steps."""


@contextmanager
def unwatched(_title: str, _steps: int | None) -> Iterator[Advance]:
    """Show no progress."""
    yield do_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class FsckResult:
    """How many tables and versions were walked, and what does not agree."""

    tables: int
    versions: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Say whether nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Return the fields of INTERFACE."""
        found = [{"kind": finding.kind, "place": finding.place} for finding in self.findings]
        return {"tables": self.tables, "versions": self.versions, "findings": found, "clean": self.clean}


def fsck(site: Site, say: Say, progress: Progress = unwatched) -> FsckResult:
    """Return everything that does not agree; `say` is told what is being walked.

    Raises Unavailable without the vault or the keys: then nothing is known about bronze and silver.
    """
    site.actor.require("fsck")
    site.vault.counter()
    folders = table_folders(site)
    findings = [*check_rows(site), *check_vault_rows(site)]
    try:
        snapshot = read_snapshot(site)
        findings += _check_registry(site, snapshot, say, progress)
        tables = sorted({row["table_name"] for row in snapshot.of("versions")} | folders.keys())
        findings += [*stray_files(site), *check_outbox(site, snapshot), *check_models(site)]
        with progress("checking tables", len(tables)) as advance:
            for table in tables:
                findings += _check_one(site, table, folders.get(table, set()), snapshot, say)
                advance(1)
    except Damaged as error:
        # Rows that cannot be parsed end the walk; their MACs have named them above.
        return failed(error, findings)
    return FsckResult(tables=len(tables), versions=len(snapshot.of("versions")), findings=tuple(findings))


def check_home(site: Site, say: Say, progress: Progress = unwatched) -> FsckResult:
    """End what killed processes left, then `fsck`; where the replay meets damage, walk what there is."""
    try:
        recover(site)
    except Damaged:
        say("the outbox cannot be replayed on a damaged home")
    return fsck(site, say, progress)


def failed(error: Damaged, findings: list[Finding]) -> FsckResult:
    """Return the result of a walk that damage ended."""
    ended = Finding(kind=error.message, place=str(error.facts.get("place", "home")))
    return FsckResult(tables=0, versions=0, findings=(*findings, ended))


def check_databases(home: Path) -> FsckResult | None:
    """Return what is wrong with the database files of a home, before a site is opened on them."""
    files = [home / name for name in ("registry.db", "vault.db")]
    broken = [file.name for file in files if file.is_file() and not is_whole(file)]
    found = tuple(Finding(kind="database is not whole", place=name) for name in broken)
    return FsckResult(tables=0, versions=0, findings=found) if found else None


def _check_registry(site: Site, snapshot: Snapshot, say: Say, progress: Progress) -> list[Finding]:
    leaves, heads = len(snapshot.of("entries")), len(snapshot.of("checkpoints"))
    say(f"checking {leaves} leaves")
    with progress("checking leaves", leaves + heads) as advance:
        findings = [*check_log(site, snapshot, advance), *check_records(snapshot, advance)]
    findings += check_cosignatures(site, snapshot)
    return [*findings, *check_statements(snapshot), *check_vault_age(site, snapshot)]


def _check_one(site: Site, table: str, files: set[str], snapshot: Snapshot, say: Say) -> list[Finding]:
    """Check files first; rows are read only where the files are whole."""
    say(f"checking {table}")
    findings = list(check_table(site, table, files, snapshot))
    newest = newest_versions(snapshot).get(table)
    return findings or (list(check_content(site, newest)) if newest else [])
