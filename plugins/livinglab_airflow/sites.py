"""The site as a task of a DAG run opens it: the run stands in every record the task writes."""

import logging
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context

from livinglab_airflow.landing_files import is_unfinished, whole_files

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

LANDING, SOURCE = "landing", "source"


def site_file() -> Path | None:
    """Return the site file that Airflow was started with, or None for the default one."""
    named = os.environ.get("LIVINGLAB_SITE")
    return Path(named) if named else None


def open_task_site(actor: str | None = None) -> "Site":
    """Open the home named by LIVINGLAB_HOME for the running task; tasks of one process share detectors.

    `actor` is a name that Airflow vouches for; without one the account acts under which Airflow runs.
    """
    site = replace(opened_site(site_file(), os.environ["LIVINGLAB_HOME"], actor), run=task_run())
    return replace(site, actor=replace(site.actor, authenticated="airflow")) if actor else site


def task_run() -> str:
    """Return `dag id/run id` of the running task, as it stands in the details of records."""
    context = get_current_context()
    return f"{context['dag'].dag_id}/{context['run_id']}"


@cache
def opened_site(site_file: Path | None, home: str, actor: str | None = None) -> "Site":
    """Open a home once for this process."""
    from lakehouse.sites import open_site

    return open_site(site_file, Path(home), actor)


def cosign_written(site: "Site") -> None:
    """End a task that wrote: ask the site's witnesses, and wait, warn or fail as its site file says."""
    from lakehouse.pipeline.settle import settle_head

    settle_head(site, logging.getLogger(__name__).warning)


def missing_input(site: "Site", product: str) -> str | None:
    """Return a table that a product reads and that has no version yet, or None."""
    from lakehouse.pipeline.versions import current_version

    inputs = site.contracts.gold(product).inputs()
    return next((table for table in inputs if current_version(site, table) is None), None)


def input_places(site: "Site", source: str | None) -> dict[str, Path]:
    """Return where input may lie, by name: the drop zone, and the source folder where one is named."""
    places = {LANDING: site.home.place("landing")}
    return {**places, SOURCE: Path(source)} if source else places


def batch_files(site: "Site", dataset: str, place: Path) -> tuple[Path, ...]:
    """Return the files of a data set in one place; of the drop zone, where they are deleted, the whole ones.

    UnreadableInput: a named source that holds none at all.
    """
    from lakehouse.readers.source_folders import find_batches

    dropped = place == site.home.place("landing")
    if dropped and not any(path.is_file() and not is_unfinished(path) for path in place.rglob("*")):
        return ()
    files = find_batches(place, site.contracts).batches.get(dataset, ())
    return whole_files(files) if dropped else files
