"""Airflow with a home of its own for the tests of DAGs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_homes import tested_airflow


@pytest.fixture(scope="module", autouse=True)
def airflow_home() -> Iterator[Path]:
    with tested_airflow().in_force() as home:
        yield home


@pytest.fixture
def expectations(airflow_home: Path) -> Iterator[Path]:
    """The contracts that DAG files are made from, read anew before and after the test."""
    from livinglab_airflow.contracts import site_contracts

    site_contracts.cache_clear()
    yield airflow_home.parent / "expectations"
    site_contracts.cache_clear()
