"""What Airflow loads: the pages, where they stand in its interface, and the link from each task."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from livinglab_airflow.links import LineageReceiptLink
from livinglab_airflow.static_files import static_app
from livinglab_airflow.web import app

PREFIX = "livinglab"
STATIC_PREFIX = "livinglab-static"


class LivingLabPlugin(AirflowPlugin):
    """A panel on the home page, Compliance under Browse, a Receipt on each run, a link on each task."""

    name = "livinglab"
    fastapi_apps: ClassVar = [
        {"app": app, "url_prefix": f"/{PREFIX}", "name": "LivingLab"},
        {"app": static_app, "url_prefix": f"/{STATIC_PREFIX}", "name": "LivingLab's scripts"},
    ]
    react_apps: ClassVar = [
        {"name": "LivingLab", "bundle_url": f"{STATIC_PREFIX}/dashboard.js", "destination": "dashboard"}
    ]
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
