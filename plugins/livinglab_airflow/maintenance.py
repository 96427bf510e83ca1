"""Tasks that keep a site in order: make anew what a changed contract left behind, settle the log."""

from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from livinglab_airflow.assets import RENEWED, draft_asset, event_facts, table_asset
from livinglab_airflow.refusals import say_refusals
from livinglab_airflow.settings import ENGINE_POOL
from livinglab_airflow.sites import cosign_written, open_task_site
from livinglab_airflow.tasks import RETRIES, asks_anew


@task(**RETRIES)
@say_refusals
def find_stale() -> list[dict[str, object]]:
    """Return the versions that an earlier contract made (table, version); skipped where there is none."""
    from lakehouse.pipeline.stale import stale_versions

    stale = [version.as_json() for version in stale_versions(open_task_site())]
    if not stale:
        raise AirflowSkipException("every version was made under the rules and consents there are")
    return stale


@task(pool=ENGINE_POOL, outlets=[RENEWED], **RETRIES)
@say_refusals
def renew(stale: list[dict[str, object]]) -> dict[str, Any]:
    """Refine what is stale and publish what depends on it; skipped in a dry run, which only finds."""
    from lakehouse.pipeline.stale import refine_stale

    if get_current_context()["params"].get("dry_run"):
        raise AirflowSkipException(f"a dry run writes nothing: {len(stale)} versions are stale")
    site = open_task_site()
    renewal = refine_stale(site).as_json()
    cosign_written(site)
    _say_renewed(site, renewal)
    return renewal


@task(**RETRIES)
@say_refusals
def settle() -> None:
    """Ask witnesses and time-stamping authorities for what the newest head of the log still lacks."""
    cosign_written(open_task_site())


def _say_renewed(site: Any, renewal: dict[str, Any]) -> None:
    """Let the assets of what was made anew tell of it, so that products and approvals wake."""
    said = get_current_context()["outlet_events"][RENEWED]
    for result in renewal["silver"]:
        if not result["repeated"]:
            said.add(table_asset(site.contracts.by_table[result["table"]]), extra=event_facts(result))
    for result in renewal["releases"]:
        contract = site.contracts.gold(result["product"])
        if not result["repeated"]:
            said.add(table_asset(contract), extra=event_facts(result))
        if asks_anew(result):
            said.add(draft_asset(contract))
