"""Every page for every reader: on a desk and a telephone, by day and by night, by keyboard, unseen."""

from urllib.parse import quote

import pytest
from airflow_homes import RUN
from page_checks import NEEDS_CHROMIUM, keyboard_faults, low_contrast, structure_faults

DAG_ID, RUN_ID = RUN.split("/")
PAGES = {
    "compliance": ("/compliance", "Compliance"),
    "verifier": ("/verifier", "Check a proof without LivingLab"),
    "receipt": (f"/receipt?dag_id={DAG_ID}&run_id={quote(RUN_ID)}", "Receipt"),
    "paper": ("/paper?what=draft.walkers_open@0", "draft.walkers_open"),
    "health": ("/health", "Health"),
    "refusal": ("/proof?what=gold.nothing@0", "Not here"),
    "report": ("report", "silver.walkers"),
}
SCREENS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.browser,
    NEEDS_CHROMIUM,
]


@pytest.fixture(scope="module")
def texts(web, sign_in):
    """Return the pages as a browser gets them, by name."""
    headers = {**sign_in("dpo"), "Accept": "text/html"}
    served = {
        name: web.get(f"/livinglab{address}", headers=headers).text
        for name, (address, _) in PAGES.items()
        if name != "report"
    }
    return {**served, "report": wide_report()}


def wide_report():
    """A report whose drawing has more boxes in a stage than a telephone can show side by side."""
    from lakehouse.adapters.report_html import render_page
    from lakehouse.core.report import Flow, FlowNode, Grid, Page, Section

    made = tuple(
        FlowNode(key=f"s{n}", stage=1, title=f"silver.walkers_{n}", note="40 rows") for n in range(5)
    )
    nodes = (FlowNode(key="b", stage=0, title="bronze.walkers", focus=True), *made)
    grid = Grid(columns=("Version", "Rows"), rows=(("silver.walkers_0@0", "40"),), right=("Rows",))
    section = Section(anchor="flow", title="What is made from what", shows_flow=True, grids=(grid,))
    return render_page(
        Page(
            kind="Table",
            title="silver.walkers",
            subtitle="People who walk",
            lead="One row a person.",
            stamp="Written 2026-11-22",
            confidential=True,
            sections=(section,),
            flow=Flow(nodes=nodes, edges=tuple(("b", node.key) for node in made)),
        )
    )


@pytest.fixture
def shown(browser, texts):
    """Return a page of the browser that shows one of ours, and what it asked of the network."""
    opened = []

    def show(name, width=1280, scheme="light", change=lambda text: text):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(page)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.set_content(change(texts[name]))
        return page

    yield show
    for page in opened:
        page.close()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_reads_well(shown, name, width, scheme):
    page = shown(name, width, scheme)

    assert page.get_by_role("heading", name=PAGES[name][1]).first.is_visible()
    assert low_contrast(page) == []
    assert structure_faults(page) == []
    assert page.asked == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_read_by_keyboard(shown, name):
    assert keyboard_faults(shown(name)) == []


def test_a_wide_drawing_is_told_stage_by_stage_on_a_telephone(shown):
    wide, narrow = shown("report", 1280), shown("report", 390)

    assert wide.locator(".drawing").is_visible()
    assert not wide.locator(".stages").is_visible()
    assert not narrow.locator(".drawing").is_visible()
    assert narrow.locator(".stages").get_by_text("from bronze.walkers").count() == 5


def test_colour_alone_says_nothing(shown):
    """Every state stands as a word; every alert begins with one."""
    page = shown("compliance")

    assert all(tag.inner_text().strip() for tag in page.locator(".tag").all())


@pytest.mark.parametrize(
    ("old", "new", "check", "fault"),
    [
        ("--quiet: #566573", "--quiet: #a9b4be", low_contrast, "for p.quiet"),
        (
            '<main id="content" tabindex="-1">',
            '<main style="min-width: 2000px">',
            structure_faults,
            "sideways",
        ),
        ('scope="col"', "", structure_faults, "without column headers"),
        (
            ":focus-visible { outline: 2px solid",
            ":focus-visible { outline: 0 solid",
            keyboard_faults,
            "not seen",
        ),
        ('<a class="skip" href="#content">Skip to the content</a>', "", keyboard_faults, "first stop"),
    ],
)
def test_the_checks_find_a_broken_page(shown, old, new, check, fault):
    whole = shown("compliance")
    broken = shown("compliance", change=lambda text: text.replace(old, new))

    assert not any(fault in found for found in check(whole))
    assert any(fault in found for found in check(broken))
