"""The DAG that tells of alerts, at times at which nothing is written that would tell of them."""

from airflow.sdk import DAG

from livinglab_airflow.alerts import tell_alerts
from livinglab_airflow.contracts import alert_schedule
from livinglab_airflow.deadlines import MAINTENANCE_HOURS, ends_within
from livinglab_airflow.runbooks import alert_runbook

with DAG(
    dag_id="tell_alerts",
    dag_display_name="Tell: alerts that began or ended",
    description="Send alerts to the program or address that the site file names",
    doc_md=alert_runbook(),
    schedule=alert_schedule(),
    catchup=False,
    max_active_runs=1,
    deadline=ends_within(MAINTENANCE_HOURS),
    tags=["maintenance"],
    default_args={"owner": "engineer"},
):
    tell_alerts()
