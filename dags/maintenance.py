"""DAGs that keep a site in order: what changed rules and consents left behind, and the head of the log."""

from airflow.sdk import DAG

from livinglab_airflow.deadlines import MAINTENANCE_HOURS, ends_within
from livinglab_airflow.maintenance import (
    find_models,
    find_products,
    find_stale,
    renew,
    republish,
    retrain,
    settle,
)
from livinglab_airflow.runbooks import renewal_runbook, settling_runbook
from livinglab_airflow.trigger_forms import renewal_form

with DAG(
    dag_id="refine_stale",
    dag_display_name="Renew: what changed rules and consents left behind",
    description="Refine, publish and train anew what earlier rules and consents made",
    doc_md=renewal_runbook(),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=renewal_form(),
    deadline=ends_within(MAINTENANCE_HOURS),
    tags=["maintenance"],
    default_args={"owner": "engineer"},
):
    silver = renew(find_stale())
    republish.expand(product=find_products(silver))
    retrain.expand(name=find_models(silver))

with DAG(
    dag_id="settle_log",
    dag_display_name="Settle: witnesses and time stamps of the log",
    description="Ask for cosignatures and time stamps that the newest head still lacks",
    doc_md=settling_runbook(),
    schedule="0 */6 * * *",
    catchup=False,
    max_active_runs=1,
    deadline=ends_within(MAINTENANCE_HOURS),
    tags=["maintenance"],
    default_args={"owner": "engineer"},
):
    settle()
