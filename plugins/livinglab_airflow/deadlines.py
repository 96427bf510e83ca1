"""By when a run should have ended, and what happens when it has not: `livinglab status` tells of it.

A deadline stops nothing; it is reckoned from when the run was queued.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback

from livinglab_airflow.sites import opened_site, site_file

SOURCE_HOURS = 2
PRODUCT_HOURS = 2
MAINTENANCE_HOURS = 4
APPROVAL_HOURS = 72
"""Nobody is pressed to approve: after three days somebody should know that it waits."""


def ends_within(hours: int) -> DeadlineAlert:
    """Return the deadline of a DAG whose runs should have ended so many hours after they were queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=SyncCallback(keep_missed_deadline),
        name=f"ended within {hours} hours",
    )


def keep_missed_deadline(context: Mapping[str, Any]) -> None:
    """Keep in the registry that a run missed its deadline: Airflow calls it, where tasks run."""
    from lakehouse.pipeline.alerts import record_missed_deadline

    run = context["dag_run"]
    site = opened_site(site_file(), os.environ["LIVINGLAB_HOME"])
    record_missed_deadline(site, str(run["dag_id"]), str(run.get("dag_run_id") or run.get("run_id")))
