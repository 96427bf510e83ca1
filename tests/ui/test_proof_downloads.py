"""What a viewer takes away suffices: the downloaded file verifies the downloaded bundle, alone."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from airflow_homes import RUN, SCRIPT

pytestmark = pytest.mark.airflow

DAG_ID, RUN_ID = RUN.split("/")
WHAT = "draft.walkers_open@0"
VERIFIER = Path(__file__).resolve().parents[2] / "verifier"


def taken(web, headers, address):
    answer = web.get(f"/livinglab{address}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_what_is_downloaded_verifies_itself(web, sign_in, tmp_path):
    headers = sign_in("analyst")
    for address in ("/verifier/livinglab_verify.py", "/trust.json", f"/proof?what={WHAT}"):
        answer = taken(web, headers, address)
        kept = re.search(r'filename="([^"]+)"', answer.headers["content-disposition"])[1]
        (tmp_path / kept).write_bytes(answer.content)
    names = ["livinglab_verify.py", "draft.walkers_open-0.proof.json", "--trust", "trust.json"]
    done = subprocess.run([sys.executable, *names], cwd=tmp_path, capture_output=True, check=False)

    assert done.returncode == 0, done.stdout
    assert b"draft.walkers_open" in done.stdout


def test_the_page_says_the_digest_of_each_file(web, sign_in):
    headers = sign_in("engineer")
    page = taken(web, headers, "/verifier").text
    for address in ("/verifier/livinglab_verify.py", "/verifier/README.md", "/trust.json"):
        assert hashlib.sha256(taken(web, headers, address).content).hexdigest() in page
    program = taken(web, headers, "/verifier/livinglab_verify.py").content
    assert program == (VERIFIER / "livinglab_verify.py").read_bytes()


@pytest.mark.parametrize("account", ["engineer", "analyst", "dpo", "auditor"])
def test_each_receipt_leads_to_its_bundle_and_to_the_verifier(web, sign_in, account):
    headers = sign_in(account)
    receipt = taken(web, headers, f"/receipt?dag_id={DAG_ID}&run_id={quote(RUN_ID)}").text

    assert 'href="verifier"' in receipt
    for link in re.findall(r'href="((?:proof|paper)\?what=[^"]+)"', receipt):
        assert taken(web, headers, f"/{link}").status_code == 200
    assert f'href="proof?what={quote(WHAT)}"' in receipt
    assert 'href="verifier"' in taken(web, headers, "/compliance").text


def test_a_paper_holds_the_bundle_that_is_downloaded(web, sign_in):
    from lakehouse.core.paper import parse_paper

    headers = sign_in("dpo")
    page = taken(web, headers, f"/paper?what={WHAT}")

    assert parse_paper(page.text) == taken(web, headers, f"/proof?what={WHAT}").content
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "what", ["gold.nothing@0", "draft.walkers_open@7", "", "../home.json", SCRIPT, "x" * 250]
)
def test_nothing_is_proved_that_is_not_there(web, sign_in, what):
    for route in ("proof", "paper"):
        answer = web.get(f"/livinglab/{route}", params={"what": what}, headers=sign_in("dpo"))
        assert answer.status_code == 404
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    "name", ["ruff.toml", "..%2Fpyproject.toml", "%2e%2e/README.md", "livinglab_verify.py%00"]
)
def test_only_the_verifier_and_its_readme_are_served(web, sign_in, name):
    assert web.get(f"/livinglab/verifier/{name}", headers=sign_in("dpo")).status_code == 404


def test_a_name_without_a_role_takes_nothing_away(web, airflow_home):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="stranger", role="admin"))
    headers = {"Authorization": f"Bearer {token}"}
    addresses = (
        "/verifier",
        "/verifier/README.md",
        "/trust.json",
        f"/proof?what={WHAT}",
        f"/paper?what={WHAT}",
    )

    assert {web.get(f"/livinglab{address}", headers=headers).status_code for address in addresses} == {403}


def test_downloads_are_kept_nowhere_and_never_shown_as_a_page(web, sign_in):
    for address in ("/verifier/livinglab_verify.py", "/trust.json", f"/proof?what={WHAT}"):
        headers = taken(web, sign_in("dpo"), address).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-disposition"].startswith("attachment; ")


def test_without_a_checkout_the_page_says_so(web, sign_in, monkeypatch, tmp_path):
    from livinglab_airflow import proof_downloads

    monkeypatch.setattr(proof_downloads, "VERIFIER_FOLDER", tmp_path)
    answer = web.get("/livinglab/verifier", headers=sign_in("dpo"))

    assert answer.status_code == 503
    assert "checkout" in answer.text


def test_a_file_name_holds_nothing_that_a_header_or_folder_could_read():
    from livinglab_airflow.proof_downloads import file_name

    assert file_name("gold.gait@3") == "gold.gait-3.proof.json"
    assert file_name('../"\r\nSet-Cookie: x') == "Set-Cookie-x.proof.json"


def test_a_bundle_downloaded_is_json_of_its_schema(web, sign_in):
    bundle = json.loads(taken(web, sign_in("analyst"), f"/proof?what={WHAT}").content)

    assert bundle["schema"] == "livinglab/bundle/v1"
    assert bundle["record"]["table"] == "draft.walkers_open"
