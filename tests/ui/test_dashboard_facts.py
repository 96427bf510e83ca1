"""The panel's facts: figures for those whose role covers them, never a row, and what helps."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_homes import SCRIPT

pytestmark = pytest.mark.airflow

ADDRESS = "/livinglab/dashboard.json"
RELEASE = "walkers_open-1"


@pytest.fixture
def seen(airflow_home):
    """Return the panel's facts as an account sees them on the day of the home's one batch."""
    from lakehouse.core.actors import Role
    from lakehouse.sites import open_site
    from livinglab_airflow.dashboard import dashboard_facts

    def facts(role: str, questions: Any = (), day: int = 22) -> dict[str, Any]:
        site = open_site(airflow_home.parent / "site.toml", airflow_home, actor="dpo")
        actor = replace(site.actor, name=role, roles=frozenset({Role(role)}))
        today = datetime(2026, 11, day, 12, tzinfo=UTC)
        return dashboard_facts(replace(site, actor=actor, clock=lambda: today), questions)

    return facts


def test_todays_batch_stands_with_its_figures(seen):
    facts = seen("engineer")

    assert [(line["dataset"], line["received"], line["quarantined"]) for line in facts["batches"]] == [
        ("walkers", 41, 1)
    ]
    assert (facts["counts"], facts["set_aside"], facts["log"]["size"]) == ("exact", 1, 3)
    assert facts["batches"][0]["receipt"] == "dags/source_walkers/runs/manual__1/plugin/receipt"


def test_a_batch_of_yesterday_is_not_one_of_today(seen):
    facts = seen("engineer", day=23)

    assert (facts["batches"], facts["set_aside"]) == ([], 0)


def test_counts_are_rounded_for_an_auditor_and_absent_for_an_analyst(seen):
    """One row was set aside, fewer than k = 5: nobody but those who handle quarantine reads that."""
    rounded, hidden = seen("auditor"), seen("analyst")

    assert (rounded["counts"], rounded["batches"][0]["received"], rounded["set_aside"]) == (
        "rounded",
        40,
        None,
    )
    assert (hidden["counts"], hidden["batches"][0]["received"], hidden["set_aside"]) == ("hidden", None, None)


def test_a_release_that_waits_leads_to_its_own_question(seen):
    """A question about another release of the product is not its question."""
    from livinglab_airflow.dashboard import Question

    asked = [
        Question(text="**Release `walkers_open-10`** in `draft.walkers_open`", path="dags/other"),
        Question(text=f"**Release `{RELEASE}`** in `draft.walkers_open`", path="dags/its_own"),
    ]

    assert [line["approval"] for line in seen("dpo", asked)["waiting"]] == ["dags/its_own"]
    assert [line["approval"] for line in seen("dpo", asked[:1])["waiting"]] == [None]


def test_a_release_that_a_later_one_replaced_says_so(seen, airflow_home):
    """Two wait: the older can only be rejected, and each leads to its own question."""
    from lakehouse.pipeline.log_records import log_transaction
    from lakehouse.sites import open_site
    from livinglab_airflow.dashboard import Question

    site = open_site(airflow_home.parent / "site.toml", airflow_home, actor="dpo")
    with log_transaction(site) as tx:
        (older,) = tx.many("releases")
        later = {**older, "release_id": "walkers_open-2", "created_at": "2026-11-22T09:03:00Z"}
        tx.add("releases", **later)
    asked = [
        Question(text=f"**Release `walkers_open-{number}`** in `draft`", path=f"dags/{number}")
        for number in (1, 2)
    ]
    waiting = seen("dpo", asked)["waiting"]
    with log_transaction(site) as tx:
        tx.change("releases", {"release_id": "walkers_open-2"}, state="REJECTED")
    left = seen("dpo")["waiting"]
    with log_transaction(site) as tx:
        tx.drop("releases", release_id="walkers_open-2")

    assert [(line["release"], line["replaced"], line["approval"]) for line in waiting] == [
        ("walkers_open-2", False, "dags/2"),
        (RELEASE, True, "dags/1"),
    ]
    assert [(line["release"], line["replaced"]) for line in left] == [(RELEASE, False)]


def test_reasons_of_a_release_are_for_those_who_review(seen):
    assert seen("analyst")["waiting"][0]["reasons"] is None
    assert SCRIPT in seen("dpo")["waiting"][0]["reasons"][0]


def test_what_may_be_done_follows_the_role(seen):
    assert {role: seen(role)["may"] for role in ("engineer", "analyst", "dpo", "auditor")} == {
        "engineer": {"land": True, "decide": False},
        "analyst": {"land": False, "decide": False},
        "dpo": {"land": False, "decide": True},
        "auditor": {"land": False, "decide": False},
    }


def test_the_facts_are_json_that_no_browser_keeps(web, sign_in):
    answer = web.get(ADDRESS, headers=sign_in("dpo"))

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["viewer"] == "dpo"


def test_a_refusal_is_said_to_the_panel_as_json(web, sign_in, monkeypatch, tmp_path):
    headers = sign_in("dpo")
    monkeypatch.setenv("LIVINGLAB_HOME", str(tmp_path / "none"))
    answer = web.get(ADDRESS, headers=headers)

    assert answer.status_code == 503
    assert "livinglab demo" in answer.json()["detail"]


def test_damage_is_said_to_the_panel_as_json(airflow_app):
    from lakehouse.errors import Damaged
    from livinglab_airflow.web import explain

    request = SimpleNamespace(headers={"accept": "application/json"})

    assert explain(request, Damaged("row 3 was changed", remedy="livinglab fsck")).body == (
        b'{"detail":"row 3 was changed; livinglab fsck"}'
    )


def test_the_panels_program_needs_no_sign_in_and_holds_no_fact(web):
    web.cookies.clear()
    answer = web.get("/livinglab-static/dashboard.js")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["..%2Fweb.py", "%2e%2e/templates/page.css", "", "dashboard.js%00", "none.js"]
)
def test_nothing_else_is_served_without_a_sign_in(web, name):
    web.cookies.clear()

    assert web.get(f"/livinglab-static/{name}").status_code == 404


def test_airflow_is_told_of_the_panel(airflow_home):
    from livinglab_airflow.plugin import LivingLabPlugin

    assert [(app["destination"], app["bundle_url"]) for app in LivingLabPlugin.react_apps] == [
        ("dashboard", "livinglab-static/dashboard.js")
    ]
