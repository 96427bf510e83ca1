"""The Compliance page in a browser: it fits a desk and a telephone, by day and by night."""

from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (1280, 390)

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def html(web, sign_in):
    return web.get("/livinglab/compliance", headers=sign_in("dpo")).text


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_compliance_page_is_readable(browser, html, tmp_path, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(html)
    picture = page.screenshot(path=str(tmp_path / f"compliance-{width}-{scheme}.png"), full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("heading", name="Waiting for a decision").is_visible()
    assert contrast(page) >= 4.5
    assert asked == []
    assert len(picture) > 20_000
    page.close()


def test_a_page_that_is_too_wide_is_found(browser, html):
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.set_content(html.replace("<main ", '<main style="min-width: 900px" '))

    assert page.evaluate("document.documentElement.scrollWidth") > 390
    page.close()


def contrast(page):
    """Return the contrast of quiet text on its card (WCAG 2.2, 1.4.3: 4.5 is enough)."""
    colours = page.evaluate(
        """() => ['.quiet', 'section'].map((name, place) => {
            const style = getComputedStyle(document.querySelector(name));
            return (place ? style.backgroundColor : style.color).match(/\\d+/g).slice(0, 3).map(Number);
        })"""
    )
    lighter, darker = sorted((luminance(colour) for colour in colours), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
