"""The pages as Airflow serves them: its own application, its own sign-in, a home with a little history."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from airflow_homes import RUN, SCRIPT, tested_airflow
from page_checks import CHROMIUM


@pytest.fixture(scope="module", autouse=True)
def airflow_home() -> Iterator[Path]:
    """A home with versions, a waiting release whose reason holds markup, quarantine, and a report."""
    tested = tested_airflow()
    with tested.in_force("home-with-history") as home:
        from lakehouse.sites import open_site

        site = open_site(tested.folder / "site.toml", home, create=True)
        _add_history(site)
        site.home.place("reports", "site.html").write_text("<!doctype html><h1>The whole site</h1>")
        yield home


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, as the machine has it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def airflow_app() -> Any:
    """The plugin's own application, as it is mounted."""
    from livinglab_airflow.web import app

    return app


@pytest.fixture(scope="module")
def passwords(airflow_home: Path) -> dict[str, str]:
    from livinglab_airflow.settings import prepared_passwords

    return prepared_passwords(airflow_home.parent / "home")


@pytest.fixture(scope="module")
def web(passwords: dict[str, str]) -> Iterator[Any]:
    """A client of Airflow's API server with our plugin in it."""
    from fastapi.testclient import TestClient

    with TestClient(_served()) as client:
        yield client


@pytest.fixture(scope="module")
def sign_in(web: Any, passwords: dict[str, str]) -> Callable[[str], dict[str, str]]:
    """Return the headers of a signed-in account."""

    def headers(name: str) -> dict[str, str]:
        answer = web.post("/auth/token", json={"username": name, "password": passwords[name]})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return headers


@cache
def _served() -> Any:
    from airflow.api_fastapi.app import create_app

    return create_app(apps="all")


def _add_history(site: Any) -> None:
    from lakehouse.pipeline.log_records import add_entry, log_transaction

    drafts: list[Any] = []
    with log_transaction(site) as tx:
        if tx.count("versions"):
            return
        for leaf, table, rows, run in (
            (0, "bronze.walkers", 41, "source_walkers/manual__1"),
            (1, "silver.walkers", 40, "source_walkers/manual__1"),
            (2, "draft.walkers_open", 12, RUN),
        ):
            tx.add("versions", **_version(leaf, table, rows, run))
            drafts.append(_logged(site, leaf, table))
        tx.add(
            "batches",
            dataset="walkers",
            batch=1,
            received=41,
            accepted=40,
            quarantined=1,
            reasons={"id_not_canonical": 1},
            run_key="k0",
            intent_id="intent0",
            created_at="2026-11-22T09:00:00Z",
        )
        tx.add("releases", **_release())
        for draft in drafts:
            add_entry(tx, draft)


def _logged(site: Any, leaf: int, table: str) -> Any:
    from lakehouse.pipeline.log_records import draft_record

    return draft_record(
        site,
        kind="draft" if table.startswith("draft.") else "write",
        digests={"file": f"{leaf}a" * 32, "content": f"{leaf}b" * 32},
        details={},
        ref=f"{table}@0",
        table=table,
        version=0,
        intent=f"intent{leaf}",
    )


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
