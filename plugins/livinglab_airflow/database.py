"""Airflow's own database under the home: made, migrated, with the engine's pool.

`python -m livinglab_airflow.database` does it in a process of its own.
"""

from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.utils import db
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import update

from livinglab_airflow.settings import ENGINE_POOL


def prepare_database() -> None:
    """Make or migrate the database and the engine's pool, and close what a killed demo left running."""
    db.initdb()
    Pool.create_or_update_pool(
        name=ENGINE_POOL, slots=1, description="The Spark engine: one task at a time", include_deferred=False
    )
    _close_abandoned_runs()


def _close_abandoned_runs() -> None:
    """Mark runs of a killed demo failed, so that no scheduler picks them up."""
    left = (
        update(DagRun)
        .where(DagRun.state == DagRunState.RUNNING, DagRun.triggered_by == DagRunTriggeredByType.TEST)
        .values(state=DagRunState.FAILED)
    )
    with create_session() as session:
        session.execute(left)


if __name__ == "__main__":
    prepare_database()
