"""The program of the panel, served to anyone who can reach Airflow: it holds no fact of a site."""

from pathlib import Path

from fastapi import FastAPI, HTTPException, Response, status

SCRIPTS = frozenset({"dashboard.js"})
FOLDER = Path(__file__).with_name("static")

static_app = FastAPI(title="LivingLab's scripts", docs_url=None, redoc_url=None, openapi_url=None)


@static_app.get("/{name}")
def script(name: str) -> Response:
    """Give one of `SCRIPTS`; nothing else of the folder is served."""
    if name not in SCRIPTS:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is {', '.join(sorted(SCRIPTS))}")
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response((FOLDER / name).read_bytes(), media_type="text/javascript", headers=headers)
