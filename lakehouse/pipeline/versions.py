"""The signed versions of tables: what readers open, never the latest that Delta holds."""

from typing import Any

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.lineage import Version, parse_record
from lakehouse.errors import NotReady
from lakehouse.pipeline.site import Site


def repeat_of(site: Site, run_key: str) -> list[Version] | None:
    """Return the versions that this run key already made, or None."""
    with site.registry.reading() as tx:
        rows = tx.many("versions", run_key=run_key)
    return [as_version(row) for row in rows] or None


def current_version(site: Site, table: str) -> Version | None:
    """Return the newest version of a table that has a leaf, or None: what readers open."""
    with site.registry.reading() as tx:
        rows = tx.many("versions", table_name=table, order="version", newest=1)
    return as_version(rows[0]) if rows else None


def require_version(site: Site, table: str) -> Version:
    """Return the newest signed version of a table; NotReady where it has none yet."""
    version = current_version(site, table)
    if version is None:
        raise NotReady(
            f"{table} has no version yet",
            remedy="livinglab demo, or land and refine its sources",
            table=table,
        )
    return version


def version_of(site: Site, table: str, number: int) -> Version | None:
    """Return one signed version of a table, or None."""
    row = _row_of(site, table, number)
    return as_version(row) if row else None


def version_details(site: Site, version: Version) -> dict[str, Any]:
    """Return the private details of a version's record."""
    row = _row_of(site, version.table, version.version)
    return dict(row["details"]) if row else {}


def version_statements(site: Site, version: Version) -> dict[str, dict[str, Any]]:
    """Return the values of the statements that a version's record commits to, by name."""
    row = _row_of(site, version.table, version.version)
    return {name: dict(kept["value"]) for name, kept in (row["statements"] if row else {}).items()}


def consent_root_of(site: Site, version: Version) -> str | None:
    """Return the consent root of a version's record, or None."""
    return parse_record(site.log.entry(version.leaf)).consent_root


def _row_of(site: Site, table: str, number: int) -> Row | None:
    with site.registry.reading() as tx:
        return tx.one("versions", table_name=table, version=number)


def as_version(row: Row) -> Version:
    """Return the value of a registry row of `versions`."""
    return Version(
        table=row["table_name"],
        version=row["version"],
        rows=row["rows"],
        kind=row["kind"],
        intent=row["intent_id"],
        file_digest=row["file_digest"],
        content_digest=row["content_digest"],
        leaf=row["leaf_index"],
        run_key=row["run_key"],
        time=row["created_at"],
    )
