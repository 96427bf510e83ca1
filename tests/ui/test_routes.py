"""Every page needs a token and a role of the site; what it shows is figures, escaped."""

from urllib.parse import quote

import pytest
from airflow_homes import RUN, SCRIPT

pytestmark = pytest.mark.airflow

DAG_ID, RUN_ID = RUN.split("/")
ROUTES = {
    "/": "/",
    "/compliance": "/compliance",
    "/dashboard.json": "/dashboard.json",
    "/health": "/health",
    "/receipt": f"/receipt?dag_id={DAG_ID}&run_id={quote(RUN_ID)}",
    "/reports/{name}": "/reports/site.html",
    "/verifier": "/verifier",
    "/verifier/{name}": "/verifier/livinglab_verify.py",
    "/trust.json": "/trust.json",
    "/proof": "/proof?what=draft.walkers_open@0",
    "/paper": "/paper?what=draft.walkers_open@0",
}
"""Every route of the plugin with an address that exists: a new route needs a line here."""

OPEN = {"/", "/compliance", "/dashboard.json", "/health", "/receipt"}
PROOFS = {"/verifier", "/verifier/{name}", "/trust.json", "/proof", "/paper"}
MAY = {
    "engineer": OPEN | PROOFS | {"/reports/{name}"},
    "analyst": OPEN | PROOFS,
    "dpo": OPEN | PROOFS | {"/reports/{name}"},
    "auditor": OPEN | PROOFS | {"/reports/{name}"},
}


def own_routes(app):
    return {route.path for route in app.routes if hasattr(route, "endpoint")}


def unprotected(client, prefix):
    """Return the routes that answer someone without a token with anything but 401."""
    answers = {path: client.get(prefix + url, follow_redirects=False) for path, url in ROUTES.items()}
    return {path for path, answer in answers.items() if answer.status_code != 401}


def test_every_route_stands_in_the_matrix(airflow_app):
    assert own_routes(airflow_app) == set(ROUTES)


def test_no_route_answers_without_a_token(web):
    web.cookies.clear()

    assert unprotected(web, "/livinglab") == set()


def test_the_search_for_unprotected_routes_finds_one(airflow_app, monkeypatch):
    """The same routes without the dependency on the application, as FastAPI plugins come by default."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    open_app = FastAPI()
    open_app.add_api_route("/", lambda: "in the open")

    assert "/" in unprotected(TestClient(open_app), "")


@pytest.mark.parametrize("account", sorted(MAY))
def test_each_role_sees_what_it_may(web, sign_in, account):
    headers = sign_in(account)
    answers = {path: web.get(f"/livinglab{url}", headers=headers) for path, url in ROUTES.items()}

    assert {path for path, answer in answers.items() if answer.status_code == 200} == MAY[account]
    assert {answer.status_code for answer in answers.values()} <= {200, 403}


@pytest.mark.parametrize("account", ["analyst", "auditor"])
def test_whoever_only_looks_starts_and_answers_nothing(web, sign_in, account):
    """In Airflow itself; the engineer, beside them, is let through to what is not there."""
    run = "/api/v2/dags/source_none/dagRuns"
    answer = f"{run}/r/taskInstances/ask_the_dpo/-1/hitlDetails"
    approval = {"chosen_options": ["Approve"], "params_input": {"reason": "I would like to"}}
    given = {"logical_date": None, "conf": {}}
    started = {who: web.post(run, headers=sign_in(who), json=given) for who in (account, "engineer")}
    answered = {who: web.patch(answer, headers=sign_in(who), json=approval) for who in (account, "dpo")}

    assert {who: found.status_code for who, found in started.items()} == {account: 403, "engineer": 404}
    assert {who: found.status_code for who, found in answered.items()} == {account: 403, "dpo": 404}


def test_health_says_what_stops_the_work(web, sign_in, monkeypatch, tmp_path):
    headers = sign_in("engineer")
    sound = web.get("/livinglab/health", headers=headers)
    monkeypatch.setenv("LIVINGLAB_HOME", str(tmp_path / "none"))
    absent = web.get("/livinglab/health", headers=headers)

    assert (sound.status_code, sound.json()["ok"], sound.json()["reasons"]) == (200, True, [])
    assert (absent.status_code, absent.json()["ok"]) == (503, False)
    assert "livinglab demo" in absent.json()["reasons"][0]


def test_a_name_without_a_role_sees_nothing(web, airflow_home, monkeypatch):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    stranger = SimpleAuthManagerUser(username="stranger", role="admin")
    token = get_auth_manager().generate_jwt(stranger)
    answer = web.get("/livinglab/compliance", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


def test_the_page_says_what_waits_and_how_to_decide(web, sign_in):
    page = web.get("/livinglab/compliance", headers=sign_in("dpo")).text

    assert "draft.walkers_open" in page
    assert "livinglab --as dpo approve walkers_open-1" in page
    assert "id_not_canonical" in page


def test_an_analyst_sees_neither_row_counts_of_people_nor_quarantine(web, sign_in):
    page = web.get("/livinglab/compliance", headers=sign_in("analyst")).text

    assert "id_not_canonical" not in page
    assert "small_cells" not in page
    assert ">40<" not in page
    assert ">40<" in web.get("/livinglab/compliance", headers=sign_in("engineer")).text


def test_what_comes_from_outside_is_escaped(web, sign_in):
    headers = sign_in("dpo")
    pages = [
        web.get("/livinglab/compliance", headers=headers).text,
        web.get("/livinglab/receipt", params={"dag_id": SCRIPT, "run_id": SCRIPT}, headers=headers).text,
    ]

    assert all("<script" not in page for page in pages)
    assert "&lt;script&gt;" in pages[0]


def test_a_page_runs_no_script_and_is_kept_nowhere(web, sign_in):
    headers = web.get("/livinglab/compliance", headers=sign_in("dpo")).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


def test_the_receipt_shows_what_its_run_wrote_and_the_command_that_proves_it(web, sign_in):
    page = web.get(f"/livinglab{ROUTES['/receipt']}", headers=sign_in("engineer")).text

    assert "livinglab prove draft.walkers_open@0" in page
    assert "silver.walkers" not in page


def test_a_receipt_leads_to_theruns_before_and_after_it(airflow_home):
    """What the run of silver read was written by the run of bronze."""
    from lakehouse.sites import open_site
    from livinglab_airflow.receipts import runs_after, runs_before

    site = open_site(airflow_home.parent / "site.toml", airflow_home, actor="dpo")
    with site.registry.reading() as tx:
        rows = {row["table_name"]: row for row in tx.many("versions")}
        silver = {**rows["silver.walkers"], "inputs": [0], "details": {"run": "refine_walkers/manual__2"}}
        before = runs_before(tx, [silver], "refine_walkers/manual__2")
    after = runs_after([silver], [rows["bronze.walkers"]], "source_walkers/manual__1")

    assert before == [{"dag_id": "source_walkers", "run_id": "manual__1", "tables": ["bronze.walkers@0"]}]
    assert after == [{"dag_id": "refine_walkers", "run_id": "manual__2", "tables": ["silver.walkers@0"]}]


def test_rows_of_people_are_not_counted_for_an_analyst_on_a_receipt(web, sign_in):
    address = "/livinglab/receipt?dag_id=source_walkers&run_id=manual__1"

    assert "41 rows" in web.get(address, headers=sign_in("engineer")).text
    assert "41 rows" not in web.get(address, headers=sign_in("analyst")).text


def test_a_receipt_says_why_there_was_nothing_to_do(airflow_home):
    """What a task of the run has said, escaped; without it the page says that nothing new was written."""
    from lakehouse.sites import open_site
    from livinglab_airflow.answering import page
    from livinglab_airflow.receipts import receipt_page

    site = open_site(airflow_home.parent / "site.toml", airflow_home, actor="dpo")
    shown = [
        page("receipt.html", receipt=receipt_page(site, "approve_x", "manual__1", said)).body.decode()
        for said in ([f"x-1 was replaced by x-2 {SCRIPT}"], [])
    ]

    assert "Nothing was left to do: x-1 was replaced by x-2 &lt;script&gt;" in shown[0]
    assert ["wrote no new version" in text for text in shown] == [False, True]


@pytest.mark.parametrize(
    ("accept", "kind"), [("text/html", "text/html; charset=utf-8"), ("application/json", "application/json")]
)
def test_a_refusal_is_a_page_for_people_and_json_for_programs(web, sign_in, accept, kind):
    answer = web.get("/livinglab/reports/none.html", headers={**sign_in("dpo"), "Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (404, kind)
    assert "there is no such report" in answer.text
    assert 'href="../compliance"' in answer.text or accept == "application/json"


@pytest.mark.parametrize("name", ["..%2Fhome.json", "%2e%2e/registry.db", "site.html%00", "none.html"])
def test_only_reports_are_served(web, sign_in, name):
    answer = web.get(f"/livinglab/reports/{name}", headers=sign_in("dpo"))

    assert answer.status_code == 404


def test_airflow_loads_the_plugin(airflow_home):
    from importlib.metadata import entry_points

    from livinglab_airflow.plugin import LivingLabPlugin

    named = {point.name: point for point in entry_points(group="airflow.plugins")}

    assert named["livinglab"].load() is LivingLabPlugin
    assert {view["destination"] for view in LivingLabPlugin.external_views} == {"nav", "dag_run"}


def test_a_task_leads_to_the_receipt_of_its_run(airflow_home):
    from types import SimpleNamespace

    from livinglab_airflow.links import LineageReceiptLink

    key = SimpleNamespace(dag_id="source_ehr", run_id="manual__2026-11-22T10:00:00+00:00")

    assert LineageReceiptLink().get_link(None, ti_key=key) == (
        "/livinglab/receipt?dag_id=source_ehr&run_id=manual__2026-11-22T10%3A00%3A00%2B00%3A00"
    )
