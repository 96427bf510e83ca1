"""The tasks: one verb each. What they return goes through XCom: figures, never rows or file names."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import event_facts, waiting_event
from livinglab_airflow.refusals import RETRY_POLICY, say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import (
    batch_files,
    cosign_written,
    input_places,
    missing_input,
    open_task_site,
)

RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_policy": RETRY_POLICY,
}

FOUND_KEY = "found"
"""The XCom that says how many files each place holds."""


@task(**RETRIES)
@say_refusals
def find_batches(dataset: str) -> list[str]:
    """Return the places that hold files of `dataset` (drop zone, source); land is mapped over them.

    Its XCom `found` says how many files each place holds; a dry run ends there.
    """
    site = open_task_site()
    context = get_current_context()
    places = input_places(site, context["params"].get("source"))
    found = {name: len(batch_files(site, dataset, place)) for name, place in places.items()}
    context["ti"].xcom_push(key=FOUND_KEY, value=found)
    return [] if context["params"].get("dry_run") else [name for name, files in found.items() if files]


@task(pool=ENGINE_POOL, map_index_template="{{ batch }}", **RETRIES)
@say_refusals
def land(dataset: str, place: str) -> dict[str, Any]:
    """Take the files of one place into bronze; the same files again give the version there is.

    Skipped where they are gone: a run that is cleared finds the drop zone as it left it.
    """
    from lakehouse.pipeline.land import land as land_files

    context = get_current_context()
    context["batch"] = f"{dataset}: {place}"
    site = open_task_site()
    folder = input_places(site, context["params"].get("source"))[place]
    files = batch_files(site, dataset, folder)
    if not files:
        raise AirflowSkipException(f"nothing of {dataset} lies there any more: it was taken in before")
    result = land_files(site, dataset, files).as_json()
    cosign_written(site)
    _say_events({str(result["table"]): result})
    return result


@task(pool=ENGINE_POOL, trigger_rule="none_failed", **RETRIES)
@say_refusals
def refine(dataset: str) -> list[dict[str, Any]]:
    """Bring every silver table that reads `dataset` up to date; skipped where nothing has landed yet."""
    from lakehouse.pipeline.refine import refine as refine_dataset
    from lakehouse.pipeline.writing import current_version

    params = get_current_context()["params"]
    if params.get("dry_run"):
        raise AirflowSkipException("a dry run writes nothing")
    site = open_task_site()
    if current_version(site, f"bronze.{dataset}") is None:
        raise AirflowSkipException(f"bronze.{dataset} has no version yet")
    results = [result.as_json() for result in refine_dataset(site, dataset, params.get("version"))]
    cosign_written(site)
    _say_events({str(result["table"]): result for result in results})
    return results


@task(pool=ENGINE_POOL, **RETRIES)
@say_refusals
def publish(product: str) -> dict[str, Any]:
    """Make a release of `product`: published, refused, or SUBMITTED for the DPO. It never waits.

    Skipped while a table that it reads has no version: its other tables wake it as they come.
    """
    from lakehouse.pipeline.publish import publish as publish_product

    site = open_task_site()
    missing = missing_input(site, product)
    if missing is not None:
        raise AirflowSkipException(f"{missing} has no version yet")
    result = publish_product(site, product).as_json()
    cosign_written(site)
    _say_events({f"gold.{product}": result})
    return result


@task(**RETRIES)
def submit(release: dict[str, Any]) -> str:
    """Wake the approval DAG for a release that newly waits; skipped for any other."""
    if not asks_anew(release):
        raise AirflowSkipException(f"the release is {release['state']} and asks nobody anew")
    context = get_current_context()
    for asset in context["task"].outlets:
        context["outlet_events"][asset].extra = waiting_event(release["release"])
    return str(release["release"])


def asks_anew(release: Mapping[str, Any]) -> bool:
    """Say whether a release newly waits for a person."""
    return release["state"] == "SUBMITTED" and not release["repeated"]


def _say_events(results: dict[str, dict[str, Any]]) -> None:
    """Put each table's figures into the event of its asset."""
    context = get_current_context()
    for asset in context["task"].outlets:
        if asset.name in results:
            context["outlet_events"][asset].extra = event_facts(results[asset.name])
