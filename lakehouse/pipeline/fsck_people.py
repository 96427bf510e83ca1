"""The vault against log and lake: everyone in the lake is in it, and the rows give their digests."""

from collections.abc import Iterator

from lakehouse.adapters.delta_log import refused_by_system
from lakehouse.core.lineage import Version
from lakehouse.errors import Damaged
from lakehouse.pipeline.fsck_registry import Finding, Snapshot
from lakehouse.pipeline.signing import recompute_content
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import as_version


def check_vault_rows(site: Site) -> Iterator[Finding]:
    """Check that nobody else wrote into the vault."""
    for table in site.vault.broken_seals():
        yield Finding(kind="rows were added, changed or taken away", place=f"vault.db {table}")


def check_vault_age(site: Site, snapshot: Snapshot) -> Iterator[Finding]:
    """Check that the vault is not older than the newest record says."""
    counter = site.vault.counter()
    logged = max((record.vault_counter for record in snapshot.records.values() if record), default=0)
    if counter < logged:
        yield Finding(
            kind=f"vault is older than the log: {counter} changes, logged {logged}", place="vault.db"
        )


def newest_versions(snapshot: Snapshot) -> dict[str, Version]:
    """Return the newest signed version of each table."""
    rows = sorted(snapshot.of("versions"), key=lambda row: row["version"])
    return {row["table_name"]: as_version(row) for row in rows}


def check_content(site: Site, version: Version) -> Iterator[Finding]:
    """Check one table's people against the vault and its rows against the content digest."""
    place = f"lake/{version.table}@{version.version}"
    try:
        unknown = _unknown_people(site, version)
        if unknown:
            yield Finding(kind=f"{unknown} people unknown to the vault", place=place)
            return
        if recompute_content(site, version) != version.content_digest:
            yield Finding(kind="rows are not those of the content digest", place=place)
    except Damaged as error:
        yield Finding(kind=error.message, place=place)
    except ValueError:
        yield Finding(kind="rows cannot be read", place=place)
    except OSError as error:
        if refused_by_system(error) is not None:
            raise
        yield Finding(kind="rows cannot be read", place=place)


def _unknown_people(site: Site, version: Version) -> int:
    if "subject" not in site.lake.columns(version.table, version.version):
        return 0
    return len(site.vault.missing_subjects(site.lake.subjects(version.table, version.version)))
