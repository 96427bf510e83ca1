"""The tasks: one verb each. What they return goes through XCom: figures, never rows or file names."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import event_facts
from livinglab_airflow.refusals import RETRY_POLICY, say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import input_folders, open_task_site

RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_policy": RETRY_POLICY,
}


@task(**RETRIES)
@say_refusals
def find_batches(dataset: str) -> list[dict[str, str]]:
    """Return the folders that hold input of `dataset`; land is mapped over them."""
    site = open_task_site()
    source = get_current_context()["params"].get("source")
    folders = site.contracts.by_table[f"bronze.{dataset}"].folders
    return input_folders(folders, site.home.place("landing"), Path(source) if source else None)


@task(pool=ENGINE_POOL, map_index_template="{{ batch_name }}", **RETRIES)
@say_refusals
def land(dataset: str, batch: dict[str, str]) -> dict[str, Any]:
    """Take one folder into bronze; the same files again are a no-op that returns the same version."""
    from lakehouse.pipeline.land import land_folder

    get_current_context()["batch_name"] = f"{dataset}: {batch['batch']}"
    result = land_folder(open_task_site(), dataset, batch["folder"]).as_json()
    _say_event({str(result["table"]): result})
    return result


@task(pool=ENGINE_POOL, trigger_rule="none_failed", **RETRIES)
@say_refusals
def refine(dataset: str) -> list[dict[str, Any]]:
    """Bring every silver table that reads `dataset` up to date, in dependency order."""
    from lakehouse.pipeline.refine import refine as refine_dataset

    results = [result.as_json() for result in refine_dataset(open_task_site(), dataset)]
    _say_event({str(result["table"]): result for result in results})
    return results


@task(pool=ENGINE_POOL, **RETRIES)
@say_refusals
def publish(product: str) -> dict[str, Any]:
    """Make a release of `product`: published, refused, or SUBMITTED for the DPO. It never waits."""
    from lakehouse.pipeline.publish import publish as publish_product

    result = publish_product(open_task_site(), product).as_json()
    _say_event({f"gold.{product}": result})
    return result


@task
def submit(release: dict[str, Any]) -> str:
    """Wake the approval DAG of a release that waits for the DPO; skipped where none waits."""
    if release["state"] != "SUBMITTED":
        raise AirflowSkipException(f"the release is {release['state']}: nobody is asked")
    return str(release["release_id"])


def _say_event(results: dict[str, dict[str, Any]]) -> None:
    """Put each table's figures into the event of its asset."""
    events = get_current_context()["outlet_events"]
    for asset in get_current_context()["task"].outlets:
        if asset.name in results:
            events[asset].extra = event_facts(results[asset.name])
