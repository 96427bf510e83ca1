"""The way of one batch through Airflow's interface, as each role sees it, until the DPO decides."""

import re
from pathlib import Path
from typing import Any

import pytest
from page_checks import NEEDS_CHROMIUM, low_contrast
from page_pictures import WANTED, keep_picture
from served_ui import ServedUi, served_ui, wait_until

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.browser,
    pytest.mark.spark,
    NEEDS_CHROMIUM,
]

PRODUCT = "conditions_by_age"
SOURCES = (*(("consents", "gait_people", "gait_walks", "clinic_notes") if WANTED else ()), "ehr")
"""The product needs health records alone; pictures show all sources."""

BY_PEOPLE = "run_type=manual"
"""An Airflow that starts within hours of a schedule's last time makes that run at once."""


@pytest.fixture(scope="module")
def ui(tmp_path_factory):
    """Airflow on an empty home, beside a folder of sixty generated people."""
    from lakehouse.samples.source_folder import write_sample
    from lakehouse.sites import open_site

    folder = tmp_path_factory.mktemp("whole-ui")
    write_sample(folder / "people", people=60, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
        patch.delenv("LIVINGLAB_SITE", raising=False)
        open_site(None, folder / "home", create=True)
        with served_ui(folder) as served:
            yield served


def releases(ui: ServedUi) -> list[dict[str, Any]]:
    """Return the product's releases from the registry itself."""
    from lakehouse.sites import open_site

    with open_site(None, ui.home, "dpo", replay=False).registry.reading() as tx:
        return tx.many("releases", product=PRODUCT)


def trigger(page: Any, ui: ServedUi, dag_id: str, source: str) -> None:
    """Fill the form of a source DAG and send it off."""
    page.goto(f"{ui.address}/dags/{dag_id}")
    page.get_by_role("button", name="Trigger Dag").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Input").click()
    form.locator("#element_source").fill(source)
    if "/" not in source:
        keep_picture(page, "trigger-form")
    form.locator("#element_source").blur()
    form.get_by_role("button", name="Trigger", exact=True).click()


def ended_runs(page: Any, ui: ServedUi, dag_id: str) -> list[str]:
    """Return the states of the runs of the DAG that people started and that have ended."""
    found = ui.get(page, f"dags/{dag_id}/dagRuns?{BY_PEOPLE}")["dag_runs"]
    return [run["state"] for run in found if run["state"] in ("success", "failed")]


def open_questions(page: Any, ui: ServedUi) -> list[Any]:
    return ui.get(page, "dags/~/dagRuns/~/hitlDetails?response_received=false")["hitl_details"]


def test_one_batch_from_the_form_to_the_published_release(ui, browser):
    """One test, because each step needs the one before: the home has a single history."""
    engineer = ui.sign_in(browser, "engineer")
    an_empty_panel_says_what_to_do(engineer)
    a_wrong_value_is_refused(engineer, ui)
    the_batch_lands(engineer, ui)
    a_batch_is_followed_to_its_receipt(engineer, ui)
    asked = wait_until(lambda: open_questions(engineer, ui))
    assert [release["state"] for release in releases(ui)] == ["SUBMITTED"]

    the_analyst_cannot_decide(ui.sign_in(browser, "analyst"), ui, asked[0])
    assert [release["state"] for release in releases(ui)] == ["SUBMITTED"]

    the_dpo_approves(ui.sign_in(browser, "dpo", color_scheme="dark"), ui)


def an_empty_panel_says_what_to_do(page: Any) -> None:
    panel = page.locator(".livinglab")
    panel.get_by_text("Drop files into").wait_for()
    assert panel.get_by_text("No release waits.").is_visible()
    assert panel.get_by_text("head cosigned by").is_visible() or panel.get_by_text("Log entries").is_visible()


def a_wrong_value_is_refused(page: Any, ui: ServedUi) -> None:
    """A path that is not whole: the form says which field and why, and no run begins."""
    trigger(page, ui, "source_ehr", "people")
    page.get_by_text("Invalid input for param source").wait_for()
    assert ui.get(page, f"dags/source_ehr/dagRuns?{BY_PEOPLE}")["total_entries"] == 0


def the_batch_lands(page: Any, ui: ServedUi) -> None:
    for dataset in SOURCES:
        trigger(page, ui, f"source_{dataset}", str(ui.home.parent / "people"))
        ended = wait_until(lambda dag_id=f"source_{dataset}": ended_runs(page, ui, dag_id))
        assert ended == ["success"]


def a_batch_is_followed_to_its_receipt(page: Any, ui: ServedUi) -> None:
    """Asset page with the graph -> the run that wrote it -> its receipt -> the run that read it."""
    page.goto(f"{ui.address}/assets")
    page.get_by_role("link", name="bronze.ehr", exact=True).click()
    page.get_by_text("1 Asset Event").first.wait_for()
    keep_picture(page, "asset-graph")
    page.get_by_test_id("card-list").get_by_role("link", name="source_ehr").click()
    page.get_by_role("link", name=re.compile("^manual__")).first.click()
    page.get_by_role("link", name="Receipt").click()
    receipt = page.frame_locator("iframe")
    receipt.get_by_text("bronze.ehr@0").first.wait_for()
    assert wait_until(lambda: releases(ui))
    page.reload()
    receipt.get_by_role("heading", name="Read by").wait_for()
    keep_picture(page, "receipt")
    receipt.get_by_role("link", name=re.compile(f"^publish_{PRODUCT} ")).first.click()
    receipt.get_by_text(f"draft.{PRODUCT}@0").first.wait_for()


def the_analyst_cannot_decide(page: Any, ui: ServedUi, question: Any) -> None:
    """The panel shows that a release waits, without its reasons; an answer and a run are refused with 403."""
    panel = page.locator(".livinglab")
    panel.get_by_role("link", name=re.compile("See what the DPO is asked")).wait_for()
    assert panel.get_by_text("cells of fewer than").count() == 0
    assert panel.get_by_text("Rows set aside").count() == 0
    task = question["task_instance"]
    where = f"dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
    answer = {"chosen_options": ["Approve"], "params_input": {"reason": "I would like to"}}
    refused = page.request.patch(f"{ui.address}/api/v2/{where}/-1/hitlDetails", data=answer)
    triggered = page.request.post(
        f"{ui.address}/api/v2/dags/source_ehr/dagRuns", data={"logical_date": None, "conf": {}}
    )
    assert (refused.status, triggered.status) == (403, 403)
    panel.get_by_role("link", name=re.compile("See what the DPO is asked")).click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("You do not have permission").wait_for()
    page.goto(f"{ui.address}/plugin/compliance")
    compliance = page.frame_locator("iframe")
    compliance.get_by_text("Its facts are for those who review releases.").wait_for()


def the_dpo_approves(page: Any, ui: ServedUi) -> None:
    decide = page.locator(".livinglab").get_by_role("link", name=re.compile("^Decide"))
    decide.wait_for()
    the_panel_reads_well(page)
    decide.click()
    page.get_by_role("button", name="Approve").wait_for()
    page.locator("#element_reason").fill("the small cells are left out")
    page.locator("#element_reason").blur()
    keep_picture(page, "approval")
    page.get_by_role("button", name="Approve").click()
    decided = wait_until(lambda: [one for one in releases(ui) if one["state"] == "PUBLISHED"])
    assert [release["state"] for release in decided] == ["PUBLISHED"]
    page.goto(f"{ui.address}/plugin/compliance")
    compliance = page.frame_locator("iframe")
    compliance.get_by_text("No release waits.").wait_for()
    keep_picture(page, "compliance")
    assert compliance.get_by_role("row", name=re.compile(f"gold.{PRODUCT} PUBLISHED")).is_visible()
    keep_phone_picture(page, ui)


def the_panel_reads_well(page: Any) -> None:
    """By night and by day, on a telephone and a desk."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(300)
            wait_until(lambda: low_contrast(page, ".livinglab") == [], 30.0)
            assert low_contrast(page, ".livinglab") == []
            panel = page.locator(".livinglab").bounding_box()
            assert panel["x"] + panel["width"] <= width
        keep_picture(page, f"home-{scheme}")


def keep_phone_picture(page: Any, ui: ServedUi) -> None:
    """The page alone, as a telephone shows it by night."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{ui.address}/livinglab/compliance")
    page.get_by_role("heading", name="Compliance", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    keep_picture(page, "compliance-phone")


def test_the_logs_of_the_ui_hold_no_password(ui):
    """What the command said on its error stream is progress alone."""
    told = Path(ui.home.parent / "ui.log").read_text()

    assert [word for word in ui.passwords.values() if word in told] == []
