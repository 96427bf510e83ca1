"""Tasks that keep a site in order: make anew what a changed contract left behind, settle the log."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import RENEWED, draft_asset, event_facts, table_asset, waiting_event
from livinglab_airflow.refusals import say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import cosign_written, open_task_site
from livinglab_airflow.tasks import RETRIES, asks_anew

if TYPE_CHECKING:
    from lakehouse.core.contract import DatasetContract


Found = dict[str, list[dict[str, object]]]


@task(**RETRIES)
@say_refusals
def find_stale() -> Found:
    """Return stale versions and models (`stale`, `stale_models`); skipped where there is none."""
    from lakehouse.pipeline.stale import stale_models, stale_versions

    site = open_task_site()
    versions = [version.as_json() for version in stale_versions(site)]
    models = [model.as_json() for model in stale_models(site)]
    if not versions and not models:
        raise AirflowSkipException("all was made under the rules and consents there are")
    return {"stale": versions, "stale_models": models}


@task(pool=ENGINE_POOL, outlets=[RENEWED], **RETRIES)
@say_refusals
def renew(found: Found) -> list[dict[str, Any]]:
    """Refine what is stale; a dry run, which only finds, skips this and all that follows."""
    from lakehouse.pipeline.renewal import renew_silver, require_renewal
    from lakehouse.pipeline.stale import stale_versions

    if get_current_context()["params"].get("dry_run"):
        count = sum(map(len, found.values()))
        raise AirflowSkipException(f"a dry run writes nothing: {count} versions and models are stale")
    site = open_task_site()
    require_renewal(site)
    silver = [result.as_json() for result in renew_silver(site, stale_versions(site))]
    cosign_written(site)
    for result in silver:
        _say_renewed(site.contracts.by_table[result["table"]], result)
    return silver


@task(**RETRIES)
@say_refusals
def find_products(silver: list[dict[str, Any]]) -> list[str]:
    """Return the products that are stale or read what was refined; `republish` is mapped over them."""
    from lakehouse.pipeline.renewal import products_to_renew
    from lakehouse.pipeline.stale import stale_versions

    site = open_task_site()
    return products_to_renew(site, stale_versions(site), {str(result["table"]) for result in silver})


@task(pool=ENGINE_POOL, outlets=[RENEWED], map_index_template="{{ product }}", **RETRIES)
@say_refusals
def republish(product: str) -> dict[str, Any]:
    """Publish one product anew; one that newly waits for the DPO wakes its approval."""
    from lakehouse.pipeline.publish import publish

    context = get_current_context()
    context["product"] = product
    site = open_task_site()
    contract = site.contracts.gold(product)
    result = publish(site, product).as_json()
    cosign_written(site)
    _say_renewed(contract, result)
    if asks_anew(result):
        said = waiting_event(result["release"])
        context["outlet_events"][RENEWED].add(draft_asset(contract), extra=said)
    return result


@task(**RETRIES)
@say_refusals
def find_models(silver: list[dict[str, Any]]) -> list[str]:
    """Return the models that are stale once silver is refined; `retrain` is mapped over them."""
    from lakehouse.pipeline.stale import stale_models

    del silver
    return [model.name for model in stale_models(open_task_site())]


@task(pool=ENGINE_POOL, map_index_template="{{ model }}", **RETRIES)
@say_refusals
def retrain(name: str) -> dict[str, Any]:
    """Train one model anew in the models environment; it takes the engine's one slot, for its memory."""
    from lakehouse.pipeline.train import train

    get_current_context()["model"] = name
    site = open_task_site()
    trained = train(site, name).outline()
    cosign_written(site)
    return trained


@task(**RETRIES)
@say_refusals
def settle() -> None:
    """Ask witnesses and time-stamping authorities for what the newest head of the log still lacks."""
    cosign_written(open_task_site())


def _say_renewed(contract: "DatasetContract", result: dict[str, Any]) -> None:
    """Let the asset of what was made anew tell of it, so that products wake."""
    if not result["repeated"]:
        said = get_current_context()["outlet_events"][RENEWED]
        said.add(table_asset(contract), extra=event_facts(result))
