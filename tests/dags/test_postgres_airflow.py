"""Airflow keeps its own database in PostgreSQL where the site file says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_homes import SITE, write_site

from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.airflow

DATABASE = "airflow_of_tests"
RUN = """
import sys
from pathlib import Path
from livinglab_airflow.settings import PROJECT, use_airflow

use_airflow(Path(sys.argv[1]), site_file=Path(sys.argv[2]))
from lakehouse.sites import open_site
from livinglab_airflow.database import prepare_database
from livinglab_airflow.dag_runs import run_dag

open_site(Path(sys.argv[2]), Path(sys.argv[1]), create=True)
prepare_database()
from airflow.dag_processing.dagbag import DagBag

run = run_dag(DagBag(str(PROJECT / "dags")).dags["source_walkers"], {})
print("ended well" if run.success else run.refusal)
"""


@pytest.fixture
def site_file(postgres: PostgresServer, tmp_path: Path) -> Path:
    """A site whose registry, vault and Airflow are in PostgreSQL."""
    postgres.execute(f"CREATE DATABASE {DATABASE}")
    file = write_site(tmp_path)
    url = postgres.url(DATABASE)
    file.write_text(f'{SITE}[stores]\nregistry = "{url}"\nvault = "{url}"\n[airflow]\ndatabase = "{url}"\n')
    return file


def test_a_dag_runs_on_a_database_in_postgresql(
    postgres: PostgresServer, site_file: Path, tmp_path: Path
) -> None:
    """In a process of its own, because Airflow reads its settings once."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "home"), str(site_file)],
        env={**os.environ, "LIVINGLAB_KEYS": str(tmp_path / "keys")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.stdout.splitlines()[-1:] == ["ended well"], ended.stderr[-2000:]
    assert not list(tmp_path.rglob("*.db"))
    with postgres.connected(DATABASE) as link:
        row = link.execute("SELECT state FROM dag_run WHERE dag_id = 'source_walkers'").fetchone()
    assert row == ("success",)
    postgres.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
