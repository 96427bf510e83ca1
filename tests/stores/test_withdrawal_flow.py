"""A withdrawal from the letter to what readers see: the whole way, through and with a person's decision."""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from consenting_people import NOON, with_people
from release_contracts import CONTRACTS
from test_publish import write_people

from lakehouse.adapters.site_file import read_site_file
from lakehouse.core.contract import Contracts
from lakehouse.errors import ConsentRefused, Damaged, Refused
from lakehouse.pipeline import stale
from lakehouse.pipeline.consent_decisions import change_consent
from lakehouse.pipeline.decide import decide
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.query import query
from lakehouse.pipeline.renewal import refine_stale
from lakehouse.pipeline.report import write_report
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import stale_versions
from lakehouse.pipeline.status import site_status

pytestmark = pytest.mark.spark
PRODUCT = "people_open"
COUNT = f"SELECT count(*) AS people FROM gold.{PRODUCT}"


@pytest.fixture
def site(open_home: Callable[..., Site]) -> Iterator[Site]:
    """Twenty people of the gait study under the shipped contract of consents; one product of theirs."""
    product = {name: CONTRACTS.by_table[name] for name in ("silver.people", f"gold.{PRODUCT}")}
    made = with_people(open_home(), product)
    write_people(made, 20)
    publish(made, PRODUCT)
    yield made


def withdraw(site: Site, people: int) -> None:
    for number in range(1, people + 1):
        change_consent(site, f"GaPt{number:02}", "gaitpdb", "deny", reason="asked by letter")


def people_read(site: Site) -> int:
    return int(query(site, COUNT, purpose="research").rows["people"][0].as_py())


def told(site: Site) -> list[tuple[str, str]]:
    """What `status` says of the product."""
    missing = site_status(site, read_site_file(None)).missing
    return [(own["what"], own["remedy"]) for own in missing if PRODUCT in own["what"]]


def page_text(site: Site, target: str | None, folder: Path) -> str:
    """The words of a report, spaces made one."""
    page = write_report(site, target, folder / "report").html
    words = re.sub(r"<(style|script|svg).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(words).split())


def test_five_who_withdraw_are_out_of_what_readers_see_after_the_next_run(site: Site, tmp_path: Path) -> None:
    """At least k people differ in each cell that changes: nobody is singled out, nobody needs to decide."""
    assert (people_read(site), told(site), stale_versions(site)) == (20, [], [])
    withdraw(site, 10)
    assert people_read(site) == 20
    (said,) = told(site)
    assert said == (
        f"gold.{PRODUCT}@0 counts people who no longer permit its purpose",
        "livinglab refine --stale",
    )
    (release,) = refine_stale(site).releases
    assert (release.state, release.rows) == ("PUBLISHED", 10)
    assert (people_read(site), told(site), stale_versions(site)) == (10, [], [])
    assert refine_stale(site).releases == ()
    assert "permitted about 10" in page_text(site, None, tmp_path)
    assert "Left out: denied about 10" in page_text(site, f"gold.{PRODUCT}", tmp_path)
    assert "Have withdrawn since about 10" in page_text(site, f"gold.{PRODUCT}@0", tmp_path)
    assert fsck(site, print).clean


def test_one_who_withdraws_waits_for_the_dpo_and_is_out_once_it_is_approved(
    site: Site, tmp_path: Path
) -> None:
    """Two releases that differ in one person tell who it was: the second waits, readers keep the first."""
    withdraw(site, 1)
    (release,) = refine_stale(site).releases
    assert (release.state, release.rows, people_read(site)) == ("SUBMITTED", 19, 20)
    (said,) = told(site)
    assert said[1] == f"a release waits: livinglab approve {release.release}, or reject"
    waiting = site_status(site, read_site_file(None)).waiting
    assert [own["release"] for own in waiting] == [release.release]
    assert refine_stale(site).releases[0].repeated
    whole, current, draft = (
        page_text(site, target, tmp_path) for target in (None, f"gold.{PRODUCT}", f"draft.{PRODUCT}")
    )
    assert "Waiting for a decision 1" in whole and "permitted fewer than 5" in whole
    assert "Have withdrawn since fewer than 5" in current
    assert "Left out: denied 1 " in draft and "people singled out" in draft
    assert "GaPt01" not in whole + current + draft
    approved = decide(site, release.release, "approve", "the person asked for it")
    assert (approved.state, people_read(site), told(site)) == ("PUBLISHED", 19, [])
    assert refine_stale(site).releases == ()
    assert "GaPt01" not in json.dumps([own.as_json() for own in stale_versions(site)])


def test_a_rejected_renewal_leaves_one_way_out(site: Site) -> None:
    """To make it again would only repeat it: the release that still counts the person must be taken back."""
    current = publish(site, PRODUCT)
    withdraw(site, 1)
    (waiting,) = refine_stale(site).releases
    decide(site, waiting.release, "reject", "one person would be singled out")
    (said,) = told(site)
    assert said[1] == (
        f"release {waiting.release}, made of today's inputs, is rejected: "
        f"livinglab withdraw {current.release} --reason TEXT"
    )
    withdraw(site, 10)
    assert told(site)[0][1] == "livinglab refine --stale"


def test_a_draft_that_counts_whoever_withdraws_meanwhile_is_replaced(site: Site) -> None:
    """It can no longer be approved; the run makes another without them."""
    withdraw(site, 1)
    first = publish(site, PRODUCT)
    withdraw(site, 2)
    with pytest.raises(ConsentRefused):
        decide(site, first.release, "approve", "too late")
    second = publish(site, PRODUCT)
    assert (second.state, second.rows) == ("SUBMITTED", 18)
    with pytest.raises(Refused, match="was replaced by"):
        decide(site, first.release, "approve", "still too late")
    decide(site, second.release, "approve", "both asked for it")
    assert people_read(site) == 18


def test_whoever_is_not_in_a_release_leaves_it_as_it_is(site: Site) -> None:
    """A person of the site whom no cell counts: the same release, nothing stale."""
    site.vault.subjects_for("gaitpdb", ["SiCo07"])
    change_consent(site, "SiCo07", "gaitpdb", "deny")
    assert stale_versions(site) == [] and publish(site, PRODUCT).repeated


def test_a_product_that_no_budget_pays_for_is_told_and_the_others_go_on(site: Site) -> None:
    """Two releases of noisy means cost 4 of 5: a third does not fit; the product without noise is made."""
    product = "gold.cohorts"
    contracts = {**site.contracts.by_table, product: CONTRACTS.by_table[product]}
    both = replace(site, contracts=Contracts(by_table=contracts))
    publish(both, "cohorts")
    write_people(both, 30)
    last = publish(both, "cohorts")
    publish(both, PRODUCT)
    withdraw(both, 10)
    renewed = refine_stale(both)
    assert [(own.product, own.state, own.rows) for own in renewed.releases] == [(PRODUCT, "PUBLISHED", 20)]
    (left,) = renewed.not_renewed
    assert (left.kind, left.name, left.error.code) == ("release", product, "BUDGET_EXHAUSTED")
    assert renewed.as_json()["error"] == left.error.as_json() and left.error.exit_code == 4
    assert left.way_out == f"raise the cap in the policy, or livinglab withdraw {last.release} --reason TEXT"
    missing = site_status(both, read_site_file(None)).missing
    assert [own["remedy"] for own in missing if product in own["what"]] == [
        f"its private statistics cost up to epsilon 2.0 of gait, 1.0 is left: {left.way_out}"
    ]
    assert people_read(both) == 20


def test_a_check_that_forgets_consents_would_be_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: without it nothing is stale and the next run leaves readers with all twenty."""
    monkeypatch.setattr(stale, "withdrawn_since", lambda *_: 0)
    withdraw(site, 10)
    assert refine_stale(site).releases == () and people_read(site) == 20


def test_inputs_that_go_back_to_those_of_a_withdrawn_release_wait_for_the_dpo(site: Site) -> None:
    """Ten withdraw, permit, and withdraw again; the release without them was taken back in between.

    It is made anew, so that readers do not keep the release with them, and a person decides about it again.
    """
    people = [f"GaPt{number:02}" for number in range(1, 11)]
    withdraw(site, 10)
    without = publish(site, PRODUCT)
    decide(site, without.release, "withdraw", "published too early")
    assert publish(site, PRODUCT).state == "WITHDRAWN"
    at_one, at_two = (replace(site, clock=lambda h=h: NOON + timedelta(hours=h)) for h in (1, 2))
    for person in people:
        change_consent(at_one, person, "gaitpdb", "permit", ["research"])
    with_all = publish(at_one, PRODUCT)
    assert (with_all.state, people_read(at_one)) == ("PUBLISHED", 20)
    withdraw(at_two, 10)
    again = publish(at_two, PRODUCT)
    assert (again.state, again.rows, again.repeated) == ("SUBMITTED", 10, False)
    assert again.reasons == (
        f"withdrawn releases of the same inputs or rows, last {without.release}: 1 (none)",
    )
    assert publish(at_two, PRODUCT).release == again.release
    assert [own.because for own in stale_versions(at_two)] == ["consent"]
    decide(at_two, again.release, "approve", "they asked for it")
    assert (people_read(at_two), stale_versions(at_two)) == (10, [])
    assert fsck(at_two, print).clean


def test_rows_that_were_taken_back_do_not_come_back_by_another_way(site: Site) -> None:
    """Ten permit what the policy permitted before: other inputs, and the very rows that were withdrawn."""
    first = publish(site, PRODUCT)
    decide(site, first.release, "withdraw", "an age band too narrow")
    for number in range(1, 11):
        change_consent(site, f"GaPt{number:02}", "gaitpdb", "permit", ["research"])
    second = publish(site, PRODUCT)
    assert (second.state, second.content_digest) == ("SUBMITTED", first.content_digest)
    assert second.reasons == (
        f"withdrawn releases of the same inputs or rows, last {first.release}: 1 (none)",
    )
    decide(site, second.release, "approve", "looked at again")
    later = replace(site, clock=lambda: NOON + timedelta(hours=1))
    change_consent(later, "GaPt11", "gaitpdb", "permit", ["research"])
    third = publish(later, PRODUCT)
    assert (third.state, third.content_digest) == ("PUBLISHED", first.content_digest)


def test_consents_that_are_gone_are_damage_and_permit_nothing(site: Site) -> None:
    """Neither a release nor the status of the home passes over them."""
    withdraw(site, 1)
    for file in site.lake.folder_of("bronze.consents").glob("**/*.parquet"):
        file.unlink()
    with pytest.raises(Damaged, match=r"a file of bronze\.consents@0 is gone"):
        publish(site, PRODUCT)
    with pytest.raises(Damaged):
        told(site)
