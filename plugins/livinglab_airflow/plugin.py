"""What Airflow loads: the pages, where they stand in its interface, and the link from each task."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from livinglab_airflow.links import LineageReceiptLink
from livinglab_airflow.web import app

PREFIX = "livinglab"


class LivingLabPlugin(AirflowPlugin):
    """The Compliance page under Browse, a Receipt tab on each run, "Lineage receipt" on each task."""

    name = "livinglab"
    fastapi_apps: ClassVar = [{"app": app, "url_prefix": f"/{PREFIX}", "name": "LivingLab"}]
    external_views: ClassVar = [
        {
            "name": "Compliance",
            "href": f"{PREFIX}/compliance",
            "destination": "nav",
            "category": "browse",
            "url_route": "compliance",
        },
        {
            "name": "Receipt",
            "href": f"{PREFIX}/receipt?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "receipt",
        },
    ]
    global_operator_extra_links: ClassVar = [LineageReceiptLink()]
