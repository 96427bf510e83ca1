"""Where things stand in Airflow's interface: paths below its base address, without a leading slash."""

from urllib.parse import quote


def dag_path(dag_id: str) -> str:
    """Return the page of a DAG."""
    return f"dags/{quote(dag_id, safe='')}"


def run_path(dag_id: str, run_id: str) -> str:
    """Return the page of a DAG run."""
    return f"{dag_path(dag_id)}/runs/{quote(run_id, safe='')}"


def receipt_path(run: str) -> str:
    """Return the Receipt tab of `dag id/run id`, as runs stand in the details of records."""
    return f"{run_path(*run.split('/', 1))}/plugin/receipt"


def approval_path(dag_id: str, run_id: str, task_id: str) -> str:
    """Return the page on which a waiting task is answered."""
    return f"{run_path(dag_id, run_id)}/tasks/{quote(task_id, safe='')}/required_actions"
