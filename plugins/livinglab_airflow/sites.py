"""The site as a task of a DAG run opens it: the run stands in every record the task writes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site


def site_file() -> Path | None:
    """Return the site file that Airflow was started with, or None for the default one."""
    named = os.environ.get("LIVINGLAB_SITE")
    return Path(named) if named else None


def open_task_site(actor: str | None = None) -> "Site":
    """Open the home named by LIVINGLAB_HOME for the running task; tasks of one process share detectors."""
    return replace(_opened(site_file(), os.environ["LIVINGLAB_HOME"], actor), run=task_run())


def task_run() -> str:
    """Return `dag id/run id` of the running task, as it stands in the details of records."""
    context = get_current_context()
    return f"{context['dag'].dag_id}/{context['run_id']}"


@cache
def _opened(site_file: Path | None, home: str, actor: str | None) -> "Site":
    from lakehouse.sites import open_site

    return open_site(site_file, Path(home), actor)


def input_folders(names: Sequence[str], landing: Path, source: Path | None) -> list[dict[str, str]]:
    """Return the folders with input of one publisher: in the drop zone, and in the source if one is named.

    `names`: what the publisher's folder may be called. Each is `{"batch": its place, "folder": its path}`;
    file names stay out of XCom, they can identify.
    """
    places = {"landing": landing} if source is None else {"landing": landing, "source": source}
    return [
        {"batch": place, "folder": str(folder / name)}
        for place, folder in places.items()
        for name in names
        if _has_files(folder / name)
    ]


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
