"""OpenLineage: that a step failed. Which step, when and why by code; never what it was given.

A refused step leaves nothing in the log, so its run has an id of its own and is in no replay.
"""

import secrets

from lakehouse.adapters.openlineage_facets import JOB_TYPE, PARENT, STANDARD, facet
from lakehouse.adapters.openlineage_runs import SCHEMA_URL, Event, run_id, started_by

ERROR = f"{STANDARD}/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"


def failure_events(
    *, origin: str, version: str, verb: str, table: str, code: str, begun: str, ended: str, run: str | None
) -> list[Event]:
    """Return START and FAIL of one attempt.

    origin: the site's; version: of our code; table: what the verb was to write; code: of the error
    (`errors.py`); begun, ended: RFC 3339; run: `dag id/run id`, or None.
    """
    space = f"livinglab://{origin}"
    own = run_id(origin, f"failed/{secrets.token_hex(16)}")
    job_type = facet(version, JOB_TYPE, processingType="BATCH", integration="LIVINGLAB", jobType=verb.upper())
    facets = {"errorMessage": facet(version, ERROR, message=code, programmingLanguage="Python")}
    started = started_by(origin, run or "")
    if started is not None:
        dag, parent = started
        facets["parent"] = facet(
            version, PARENT, run={"runId": parent}, job={"namespace": space, "name": dag}
        )
    shared = {
        "producer": f"urn:livinglab:{version}",
        "schemaURL": SCHEMA_URL,
        "job": {"namespace": space, "name": f"{verb}.{table}", "facets": {"jobType": job_type}},
        "inputs": [],
        "outputs": [],
    }
    beginning = {name: value for name, value in facets.items() if name == "parent"}
    return [
        {"eventType": "START", "eventTime": begun, "run": {"runId": own, "facets": beginning}, **shared},
        {"eventType": "FAIL", "eventTime": ended, "run": {"runId": own, "facets": facets}, **shared},
    ]
