"""The task that tells a site's receivers which alerts began and which have ended."""

from airflow.sdk import task

from livinglab_airflow.refusals import say_refusals
from livinglab_airflow.sites import open_task_site
from livinglab_airflow.tasks import RETRIES


@task(**RETRIES)
@say_refusals
def tell_alerts() -> dict[str, int]:
    """Return how many notices went out; fails where a receiver took none, so that Airflow shows it."""
    from lakehouse.errors import Unavailable
    from lakehouse.pipeline import alert_delivery

    done = alert_delivery.tell_alerts(open_task_site())
    if done.problems:
        raise Unavailable("; ".join(done.problems), remedy="[alerts] of the site file", **done.as_json())
    return done.as_json()
