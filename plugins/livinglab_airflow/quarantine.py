"""Tasks that take in what a mended contract accepts of what land set aside."""

from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import RETRIED, event_facts, table_asset
from livinglab_airflow.refusals import say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import cosign_written, open_task_site
from livinglab_airflow.tasks import RETRIES


@task(**RETRIES)
@say_refusals
def find_set_aside() -> int:
    """Return how many input rows a retry would read again; skipped where there are none."""
    from lakehouse.pipeline.retry import count_waiting

    asked = get_current_context()["params"]
    site = open_task_site()
    rows = count_waiting(site, site.contracts.bronze(asked["dataset"]), asked["batch"], asked["reason"])
    if not rows:
        raise AirflowSkipException(f"nothing of {asked['dataset']} that was asked for is set aside")
    return rows


@task(pool=ENGINE_POOL, outlets=[RETRIED], **RETRIES)
@say_refusals
def retry(rows: int) -> dict[str, Any]:
    """Read the rows again and refine their data set; skipped in a dry run, which only counts."""
    from lakehouse.pipeline.retry import retry_quarantine

    asked = get_current_context()["params"]
    if asked["dry_run"]:
        raise AirflowSkipException(f"a dry run writes nothing: {rows} rows would be read again")
    site = open_task_site()
    retried = retry_quarantine(site, asked["dataset"], asked["batch"], asked["reason"]).as_json()
    cosign_written(site)
    _say_retried(site, retried)
    return retried


def _say_retried(site: Any, retried: dict[str, Any]) -> None:
    """Let the assets of the tables that have grown tell of it, so that products wake."""
    said = get_current_context()["outlet_events"][RETRIED]
    landed = [] if retried["repeated"] else retried["batches"][-1:]
    for result in [*landed, *(own for own in retried["silver"] if not own["repeated"])]:
        said.add(table_asset(site.contracts.by_table[result["table"]]), extra=event_facts(result))
