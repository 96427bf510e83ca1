"""The pages inside Airflow: every route needs a token, every viewer a role of this site."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_asset, requires_access_dag
from airflow.models.dagrun import DagRun
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response, status
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from sqlalchemy import select

from lakehouse.errors import LivingLabError, NotAllowed, NotReady, WrongUse
from livinglab_airflow.answering import HEADERS, download, page, told, wants_page
from livinglab_airflow.dashboard import dashboard_facts, open_questions
from livinglab_airflow.pages import compliance_page, report_names, run_lines
from livinglab_airflow.proof_downloads import (
    VERIFIER_FILES,
    file_name,
    paper_page,
    proof_bundle,
    trust_file,
    verifier_file,
    verifier_page,
)
from livinglab_airflow.receipts import receipt_page, run_outcomes
from livinglab_airflow.sites import site_file

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

RUNS_SHOWN = 10
app = FastAPI(
    title="LivingLab",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    dependencies=[
        Depends(requires_access_asset("GET")),
        Depends(requires_access_dag("GET", DagAccessEntity.RUN)),
    ],
)


def viewed_site(user: GetUserDep) -> "Site":
    """Return the site as the signed-in user may see it; 403 without a role, 503 before the first run."""
    from lakehouse.sites import open_site

    try:
        return open_site(site_file(), actor=user.get_name())
    except NotAllowed as error:
        raise HTTPException(status.HTTP_403_FORBIDDEN, error.message) from error
    except NotReady as error:
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, f"{error.message}; {error.remedy}"
        ) from error


ViewedSite = Annotated[Any, Depends(viewed_site)]
Identifier = Annotated[str, Query(max_length=250)]


@app.get("/", response_class=RedirectResponse)
def home() -> str:
    """Lead to the Compliance page."""
    return "compliance"


@app.get("/compliance", response_class=HTMLResponse)
def compliance(site: ViewedSite, session: SessionDep) -> HTMLResponse:
    """Show tables, waiting releases, budget, log and last runs."""
    newest = select(DagRun).order_by(DagRun.start_date.desc()).limit(RUNS_SHOWN)
    return page("compliance.html", page=compliance_page(site, run_lines(session.scalars(newest))))


@app.get("/dashboard.json")
def dashboard(site: ViewedSite, session: SessionDep) -> JSONResponse:
    """Give the facts of the panel on Airflow's home page."""
    return JSONResponse(dashboard_facts(site, open_questions(session)), headers=HEADERS)


@app.get("/health")
def health(user: GetUserDep, request: Request) -> Response:
    """Say whether the platform can work: 200 or 503, with the reasons; nothing is written.

    JSON to a program, a page to a browser.
    """
    from lakehouse.pipeline.health import failed_health, site_health
    from lakehouse.sites import open_site

    try:
        found = site_health(open_site(site_file(), actor=user.get_name(), replay=False))
    except NotAllowed as error:
        raise HTTPException(status.HTTP_403_FORBIDDEN, error.message) from error
    except LivingLabError as error:
        found = failed_health(error)
    code = status.HTTP_200_OK if found.ok else status.HTTP_503_SERVICE_UNAVAILABLE
    if not wants_page(request):
        return JSONResponse(found.as_json(), status_code=code, headers=HEADERS)
    return page("health.html", code=code, health=found)


@app.get("/receipt", response_class=HTMLResponse)
def receipt(site: ViewedSite, session: SessionDep, dag_id: Identifier, run_id: Identifier) -> HTMLResponse:
    """Show what one DAG run wrote into the log, with the commands that prove it."""
    outcomes = run_outcomes(session, dag_id, run_id)
    return page("receipt.html", receipt=receipt_page(site, dag_id, run_id, outcomes))


@app.get("/reports/{name}", response_class=HTMLResponse)
def report(site: ViewedSite, name: str) -> HTMLResponse:
    """Show one of the reports in the home's folder, for the roles that may read reports."""
    if not site.actor.may("report"):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"{site.actor.name} may not read reports")
    if name not in report_names(site):
        raise HTTPException(status.HTTP_404_NOT_FOUND, "there is no such report")
    return HTMLResponse(Path(site.home.place("reports", name)).read_text(encoding="utf-8"), headers=HEADERS)


@app.get("/verifier", response_class=HTMLResponse)
def verifier(site: ViewedSite) -> HTMLResponse:
    """Offer the one-file verifier, its README and the trust file, each with its SHA-256."""
    return page("verifier.html", page=verifier_page(site))


@app.get("/verifier/{name}")
def verifier_download(site: ViewedSite, name: str) -> Response:  # noqa: ARG001 only who has a role may ask
    """Give the verifier or its README."""
    if name not in VERIFIER_FILES:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is {' and '.join(VERIFIER_FILES)}")
    return download(verifier_file(name), name, VERIFIER_FILES[name])


@app.get("/trust.json")
def trust_download(site: ViewedSite) -> Response:
    """Give the trust file: what a verifier must hold beforehand."""
    _require(site, "trust")
    return download(trust_file(site), "trust.json", "application/json")


@app.get("/proof")
def proof_download(site: ViewedSite, what: Identifier) -> Response:
    """Give the proof bundle of `layer.table@version` or a receipt."""
    return download(_proof_of(site, what), file_name(what), "application/json")


@app.get("/paper", response_class=HTMLResponse)
def paper(site: ViewedSite, what: Identifier) -> HTMLResponse:
    """Show the proof bundle of `what` as a page to be printed, with codes."""
    return HTMLResponse(paper_page(_proof_of(site, what)), headers=HEADERS)


def _proof_of(site: "Site", what: str) -> bytes:
    _require(site, "prove")
    try:
        return proof_bundle(site, what)
    except WrongUse as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, error.message) from error


def _require(site: "Site", right: str) -> None:
    if not site.actor.may(right):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"{site.actor.name} has no right to: {right}")


@app.exception_handler(LivingLabError)
def explain(request: Request, error: LivingLabError) -> Response:
    """Answer a refusal or damage: what is wrong and what helps."""
    return told(request, status.HTTP_503_SERVICE_UNAVAILABLE, error.message, remedy=error.remedy)


@app.exception_handler(HTTPException)
def refuse(request: Request, error: HTTPException) -> Response:
    """Answer what may not be seen, or is not there."""
    return told(request, error.status_code, str(error.detail), headers=error.headers)
