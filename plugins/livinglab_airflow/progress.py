"""Tells the event pipe which task runs now."""

from typing import Any

from airflow.listeners import hookimpl

from livinglab_airflow.events import EventPipe


class TaskProgress:
    """An Airflow listener that sends `task` when a task begins."""

    def __init__(self, pipe: EventPipe) -> None:
        self._pipe = pipe

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:  # noqa: ARG002
        """Send dag, task and place among its mapped siblings (-1: not mapped)."""
        self._pipe.send(
            "task", dag=task_instance.dag_id, task=task_instance.task_id, index=task_instance.map_index
        )
