"""What the verbs tell the event log: versions and records, by table, number and count."""

from collections.abc import Mapping

from lakehouse.adapters.event_logging import EventFields
from lakehouse.adapters.openlineage_runs import started_by
from lakehouse.core.lineage import Version
from lakehouse.pipeline.site import Site


def run_fields(origin: str, run: str | None) -> EventFields:
    """Return the DAG and the id of a run; its name may hold what a person typed."""
    started = started_by(origin, run or "")
    return {} if started is None else {"dag": started[0], "run": started[1]}


def tell_version(site: Site, verb: str, version: Version, details: Mapping[str, object]) -> None:
    """Tell that a version of a table is signed."""
    told: EventFields = {
        **run_fields(site.home.origin, site.run),
        "verb": verb,
        "table": version.table,
        "version": version.version,
        "kind": version.kind,
        "leaf": version.leaf,
        "intent": version.intent,
        "rows": version.rows,
    }
    for name in ("received", "accepted", "quarantined"):
        count = details.get(name)
        if isinstance(count, int):
            told[name] = count
    site.events.write("version_signed", **told)


def tell_record(site: Site, kind: str, leaf: int) -> None:
    """Tell that a record that is no version (answer, decision, model) is logged."""
    told: EventFields = {**run_fields(site.home.origin, site.run), "kind": kind, "leaf": leaf}
    site.events.write("record_logged", **told)
