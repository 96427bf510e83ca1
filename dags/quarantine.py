"""The DAG that reads again what land set aside, once a contract is mended."""

from airflow.sdk import DAG

from livinglab_airflow.contracts import site_contracts
from livinglab_airflow.deadlines import MAINTENANCE_HOURS, ends_within
from livinglab_airflow.quarantine import find_set_aside, retry
from livinglab_airflow.runbooks import retry_runbook
from livinglab_airflow.trigger_forms import retry_form

with DAG(
    dag_id="retry_quarantine",
    dag_display_name="Retry: what was set aside",
    description="Take in what a mended contract accepts of what land set aside",
    doc_md=retry_runbook(),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=retry_form(site_contracts()),
    deadline=ends_within(MAINTENANCE_HOURS),
    tags=["maintenance"],
    default_args={"owner": "engineer"},
):
    retry(find_set_aside())
