"""The receipt and the verifier's page in a browser: they fit a desk and a telephone, by day and by night."""

from urllib.parse import quote

import pytest
from airflow_homes import RUN
from test_compliance_page import CHROMIUM, WIDTHS, contrast

DAG_ID, RUN_ID = RUN.split("/")
PAGES = {
    "verifier": ("/verifier", "Check a proof without LivingLab"),
    "receipt": (f"/receipt?dag_id={DAG_ID}&run_id={quote(RUN_ID)}", "Receipt"),
}

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_about_proofs_are_readable(web, sign_in, browser, tmp_path, name, width, scheme):
    address, heading = PAGES[name]
    html = web.get(f"/livinglab{address}", headers=sign_in("analyst")).text
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(html)
    page.screenshot(path=str(tmp_path / f"{name}-{width}-{scheme}.png"), full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("heading", name=heading, exact=True).is_visible()
    assert contrast(page) >= 4.5
    assert asked == []
    page.close()
