"""Releases as the registry keeps them: rows of `releases`, and what readers may open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.assessment import Assessment
from lakehouse.core.canonical import digest_json, timestamp
from lakehouse.core.groups import GroupMeasures
from lakehouse.core.release import ReleaseResult, ReleaseState
from lakehouse.errors import WrongUse
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import version_of

WRITTEN = (ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN)
REPLACEABLE = (ReleaseState.SUBMITTED, ReleaseState.APPROVED, *WRITTEN)
ONCE_PUBLIC = (ReleaseState.APPROVED, *WRITTEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFigures:
    """The numbers of a finished product; t as decimal text."""

    rows: int
    suppressed: int
    groups: GroupMeasures
    t: str | None
    findings: int


def release_row(
    site: Site,
    *,
    release_id: str,
    run_key: str,
    product: str,
    table: str | None,
    state: ReleaseState,
    figures: ReleaseFigures,
    assessment: Assessment,
) -> Row:
    """Return a new row of `releases`; version, leaf and digest are filled in by the write it belongs to."""
    now = timestamp(site.clock())
    return {
        "release_id": release_id,
        "product": product,
        "table_name": table,
        "state": str(state),
        "version": None,
        "rows": figures.rows,
        "suppressed": figures.suppressed,
        "k": figures.groups.k or None,
        "l": figures.groups.l,
        "t": figures.t,
        "findings": figures.findings,
        "reasons": list(assessment.reasons),
        "facts": assessment.as_json(),
        "run_key": run_key,
        "leaf_index": None,
        "content_digest": None,
        "intent_id": None,
        "created_at": now,
        "updated_at": now,
    }


def release_of_run(site: Site, run_key: str) -> Row | None:
    """Return the release that a run key made, or None."""
    with site.registry.reading() as tx:
        return tx.one("releases", run_key=run_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRun:
    """A run that makes a release: its key, the release it made, or None.

    withdrawn: the newest release of the same inputs that a person took back from readers, or None.
    """

    key: str
    made: Row | None
    withdrawn: str | None


def open_run(site: Site, product: str, run_key: str) -> ReleaseRun:
    """Return the run in which these inputs may be released now.

    Inputs go back to what they were when somebody permits and withdraws again: the release they made
    then is no longer what readers open, so it is made anew, under a key that follows from the first.
    What was rejected stays so, and so does what was withdrawn until another release follows it.
    """
    withdrawn = None
    standing = [row["release_id"] for row in _rows_of(site, product) if row["state"] != ReleaseState.REJECTED]
    made = release_of_run(site, run_key)
    while made is not None and made["state"] in REPLACEABLE and made["release_id"] != standing[-1]:
        if made["state"] == ReleaseState.WITHDRAWN:
            withdrawn = made["release_id"]
        run_key = digest_json(["again", run_key])
        made = release_of_run(site, run_key)
    return ReleaseRun(key=run_key, made=made, withdrawn=withdrawn)


def find_release(site: Site, release_id: str) -> Row:
    """Return the row of a release; WrongUse where there is none."""
    with site.registry.reading() as tx:
        row = tx.one("releases", release_id=release_id)
    if row is None:
        raise WrongUse(f"there is no release {release_id!r}", remedy="livinglab releases")
    return row


def list_releases(site: Site, product: str | None = None) -> list[ReleaseResult]:
    """Return all releases, or those of one product, oldest first; what was left out, to reviewers only."""
    site.actor.require("releases")
    found = [as_result(site, row) for row in _rows_of(site, product)]
    return found if site.actor.may("report") else [release.outside_review() for release in found]


def current_release(site: Site, product: str) -> Row | None:
    """Return the release that readers of `gold.<product>` may open, or None.

    It is the last one published; once that is withdrawn there is none until the next, because an
    earlier release is superseded, not current.
    """
    newest = written_releases(site, product)[-1:]
    return newest[0] if newest and newest[0]["state"] == ReleaseState.PUBLISHED else None


def written_releases(site: Site, product: str) -> list[Row]:
    """Return the releases that became versions of `gold.<product>`, oldest version first."""
    written = [row for row in _rows_of(site, product) if row["state"] in WRITTEN]
    return sorted(written, key=lambda row: int(row["version"]))


def released_cells(site: Site, product: str) -> dict[str, Mapping[str, frozenset[str]]]:
    """Return the people of each cell of every release of a product that was ever public, by release."""
    return {
        row["release_id"]: site.vault.cells_of(row["release_id"])
        for row in _rows_of(site, product)
        if row["state"] in ONCE_PUBLIC
    }


def withdrawn_content(site: Site, product: str, content: str) -> str | None:
    """Return the newest written release that holds these rows, if it was withdrawn; None otherwise."""
    same = [row for row in written_releases(site, product) if row["content_digest"] == content][-1:]
    return same[0]["release_id"] if same and same[0]["state"] == ReleaseState.WITHDRAWN else None


def later_releases(site: Site, release: Row) -> Sequence[Row]:
    """Return the releases of the same product that were made after this one."""
    return [
        row
        for row in _rows_of(site, release["product"])
        if row["leaf_index"] > release["leaf_index"] and row["state"] != ReleaseState.REJECTED
    ]


def as_result(site: Site, row: Row, *, repeated: bool = False) -> ReleaseResult:
    """Return a release as verbs hand it out."""
    version = None if row["version"] is None else version_of(site, row["table_name"], row["version"])
    return ReleaseResult(
        release=row["release_id"],
        product=row["product"],
        table=row["table_name"],
        version=row["version"],
        state=ReleaseState(row["state"]),
        rows=row["rows"],
        suppressed=row["suppressed"],
        k=row["k"],
        l=row["l"],
        t=row["t"],
        findings=row["findings"],
        reasons=tuple(row["reasons"] or ()),
        leaf=row["leaf_index"],
        file_digest=None if version is None else version.file_digest,
        content_digest=row["content_digest"],
        repeated=repeated,
    )


def _rows_of(site: Site, product: str | None) -> list[Row]:
    with site.registry.reading() as tx:
        if product is None:
            return tx.many("releases", order="leaf_index")
        return tx.many("releases", order="leaf_index", product=product)
