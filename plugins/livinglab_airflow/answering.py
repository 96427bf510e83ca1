"""How the pages are answered: rendered from templates, under headers that let nothing run or stay."""

from collections.abc import Mapping

from fastapi import Request, Response, status
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

TEMPLATES = Environment(
    loader=PackageLoader("livinglab_airflow"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No script runs on a page, nothing is fetched from elsewhere, nothing is kept by a browser."""

TITLES = {401: "Sign in first", 403: "Not for your role", 404: "Not here"}


def page(template: str, *, code: int = status.HTTP_200_OK, **values: object) -> HTMLResponse:
    """Return a rendered template; every value is escaped."""
    return HTMLResponse(TEMPLATES.get_template(template).render(**values), status_code=code, headers=HEADERS)


def download(content: bytes, name: str, kind: str) -> Response:
    """Return a file for the browser to keep under `name`, never to show."""
    kept = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=kept)


def told(
    request: Request,
    code: int,
    message: str,
    *,
    remedy: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return what is wrong and what helps: a page for a browser, JSON for a program."""
    kept = {**HEADERS, **(headers or {})}
    if not wants_page(request):
        detail = "; ".join(filter(None, (message, remedy)))
        return JSONResponse({"detail": detail}, status_code=code, headers=kept)
    below = request.url.path.removeprefix(request.scope.get("root_path", ""))
    text = TEMPLATES.get_template("error.html").render(
        root="../" * (below.count("/") - 1),
        title=TITLES.get(code, "Not available"),
        message=message,
        remedy=remedy,
    )
    return HTMLResponse(text, status_code=code, headers=kept)


def wants_page(request: Request) -> bool:
    """Say whether a browser asks for something to look at."""
    return "text/html" in request.headers.get("accept", "")
