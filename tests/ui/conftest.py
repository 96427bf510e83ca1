"""The pages as Airflow serves them: its own application, its own sign-in, a home with a little history."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow_homes import airflow_for_tests

RUN = "publish_walkers_open/manual__2026-11-22T10:00:00+00:00"
SCRIPT = "<script>alert('canary')</script>"


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    return airflow_for_tests()


@pytest.fixture(scope="session")
def airflow_app(airflow_home: Path) -> Any:
    """The plugin's own application, as it is mounted."""
    from livinglab_airflow.web import app

    return app


@pytest.fixture(scope="session")
def home_with_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with versions, a waiting release whose reason holds markup, quarantine, and a report."""
    folder = airflow_for_tests()
    os.environ.setdefault("LIVINGLAB_KEYS", str(tmp_path_factory.mktemp("keys")))
    from lakehouse.sites import open_site

    site = open_site(folder.parent / "site.toml", folder, create=True)
    _add_history(site)
    reports = site.home.place("reports")
    (reports / "site.html").write_text("<!doctype html><title>Report</title><h1>The whole site</h1>")
    return folder


@pytest.fixture(scope="session")
def web(home_with_history: Path) -> Any:
    """A client of Airflow's API server with our plugin in it."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient
    from livinglab_airflow.settings import prepared_passwords

    prepared_passwords(home_with_history)
    with TestClient(create_app(apps="all"), base_url="http://testserver") as client:
        yield client


@pytest.fixture(scope="session")
def sign_in(web: Any, home_with_history: Path) -> Callable[[str], dict[str, str]]:
    """Return the headers of a signed-in account."""
    from livinglab_airflow.settings import prepared_passwords

    def headers(name: str) -> dict[str, str]:
        password = prepared_passwords(home_with_history)[name]
        answer = web.post("/auth/token", json={"username": name, "password": password})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return headers


def _add_history(site: Any) -> None:
    with site.registry.transaction() as tx:
        if tx.count("versions"):
            return
        for leaf, table, rows, run in (
            (0, "bronze.walkers", 41, "source_walkers/manual__1"),
            (1, "silver.walkers", 40, "source_walkers/manual__1"),
            (2, "draft.walkers_open", 12, RUN),
        ):
            tx.add("versions", **_version(leaf, table, rows, run))
        tx.add(
            "batches",
            dataset="walkers",
            batch=1,
            received=41,
            accepted=40,
            quarantined=1,
            reasons={"id_not_canonical": 1},
            run_key="k0",
            created_at="2026-11-22T09:00:00Z",
        )
        tx.add("releases", **_release())


def _version(leaf: int, table: str, rows: int, run: str) -> dict[str, Any]:
    return {
        "table_name": table,
        "version": 0,
        "rows": rows,
        "kind": "draft" if table.startswith("draft.") else "write",
        "intent_id": f"intent{leaf}",
        "file_digest": f"{leaf}a" * 32,
        "content_digest": f"{leaf}b" * 32,
        "leaf_index": leaf,
        "run_key": f"k{leaf}",
        "details": {"run": run},
        "created_at": f"2026-11-22T09:0{leaf}:00Z",
    }


def _release() -> dict[str, Any]:
    return {
        "release_id": "walkers_open-1",
        "product": "walkers_open",
        "table_name": "draft.walkers_open",
        "state": "SUBMITTED",
        "version": 0,
        "rows": 12,
        "suppressed": 3,
        "k": 5,
        "l": 2,
        "t": "0.31",
        "findings": 0,
        "leaf_index": 2,
        "reasons": [f"small_cells: 3 cells of fewer than 5 people {SCRIPT}"],
        "facts": {},
        "created_at": "2026-11-22T09:02:00Z",
        "updated_at": "2026-11-22T09:02:00Z",
    }
