"""The tasks: one verb each. What they return goes through XCom: figures, never rows or file names."""

from datetime import timedelta
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import event_facts
from livinglab_airflow.refusals import RETRY_POLICY, say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import batch_files, cosign_written, input_places, open_task_site

RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_policy": RETRY_POLICY,
}


@task(**RETRIES)
@say_refusals
def find_batches(dataset: str) -> list[str]:
    """Return the places that hold files of `dataset` (drop zone, source); land is mapped over them."""
    site = open_task_site()
    places = input_places(site, get_current_context()["params"].get("source"))
    return [name for name, place in places.items() if batch_files(site, dataset, place)]


@task(pool=ENGINE_POOL, map_index_template="{{ batch }}", **RETRIES)
@say_refusals
def land(dataset: str, place: str) -> dict[str, Any]:
    """Take the files of one place into bronze; the same files again give the version there is."""
    from lakehouse.pipeline.land import land as land_files

    context = get_current_context()
    context["batch"] = f"{dataset}: {place}"
    site = open_task_site()
    folder = input_places(site, context["params"].get("source"))[place]
    result = land_files(site, dataset, batch_files(site, dataset, folder)).as_json()
    cosign_written(site)
    _say_events({str(result["table"]): result})
    return result


@task(pool=ENGINE_POOL, trigger_rule="none_failed", **RETRIES)
@say_refusals
def refine(dataset: str) -> list[dict[str, Any]]:
    """Bring every silver table that reads `dataset` up to date; skipped where nothing has landed yet."""
    from lakehouse.pipeline.refine import refine as refine_dataset
    from lakehouse.pipeline.writing import current_version

    site = open_task_site()
    if current_version(site, f"bronze.{dataset}") is None:
        raise AirflowSkipException(f"bronze.{dataset} has no version yet")
    results = [result.as_json() for result in refine_dataset(site, dataset)]
    cosign_written(site)
    _say_events({str(result["table"]): result for result in results})
    return results


@task(pool=ENGINE_POOL, **RETRIES)
@say_refusals
def publish(product: str) -> dict[str, Any]:
    """Make a release of `product`: published, refused, or SUBMITTED for the DPO. It never waits."""
    from lakehouse.pipeline.publish import publish as publish_product

    site = open_task_site()
    result = publish_product(site, product).as_json()
    cosign_written(site)
    _say_events({f"gold.{product}": result})
    return result


@task
def submit(release: dict[str, Any]) -> str:
    """Wake the approval DAG for a release that newly waits; skipped for any other."""
    if release["state"] != "SUBMITTED" or release["repeated"]:
        raise AirflowSkipException(f"the release is {release['state']} and asks nobody anew")
    return str(release["release"])


def _say_events(results: dict[str, dict[str, Any]]) -> None:
    """Put each table's figures into the event of its asset."""
    context = get_current_context()
    for asset in context["task"].outlets:
        if asset.name in results:
            context["outlet_events"][asset].extra = event_facts(results[asset.name])
