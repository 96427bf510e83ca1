"""A person takes their data back: from the next release on, and nothing of it is told to others."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from consenting_people import NOON, with_people
from release_contracts import CONTRACTS
from test_publish import write_people

from lakehouse.core.contract import Contracts
from lakehouse.core.lineage import parse_record
from lakehouse.core.question import Question
from lakehouse.pipeline.answer import answer
from lakehouse.pipeline.consent_decisions import change_consent, show_consents
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.publish_records import current_release, find_release
from lakehouse.pipeline.renewal import refine_stale
from lakehouse.pipeline.report import write_report
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import stale_versions

pytestmark = pytest.mark.spark
SOMEBODY = ("GaPt03", "gaitpdb")


@pytest.fixture
def site(open_home: Callable[..., Site]) -> Iterator[Site]:
    """Twenty people of the gait study, GaPt03 among them; the shipped contract of consents; two products."""
    yield with_people(open_home(), CONTRACTS.by_table)


def at(site: Site, moment: datetime) -> Site:
    return replace(site, clock=lambda: moment)


def test_a_withdrawal_is_a_signed_record_and_takes_effect_at_the_next_run(site: Site, tmp_path: Path) -> None:
    write_people(site, 20)
    first = publish(site, "people_open")
    question = Question.of(
        "mean", "speed", on="silver.people", bounds=("0", "2"), epsilon="0.5", purpose="research"
    )
    answer(site, question)
    change = change_consent(site, *SOMEBODY, "deny", reason="asked by letter")
    told = change.as_json()
    assert told["made_with"] == {"releases": 1, "answers": 1, "models": 0}
    assert told["redo"] == [
        {
            "kind": "release",
            "name": first.release,
            "state": "PUBLISHED",
            "command": "livinglab publish people_open",
        }
    ]
    assert set(change.holds.values()) == {"deny"} and not change.repeated
    record = parse_record(site.log.entry(change.leaf))
    assert (record.table, record.version) == ("bronze.consents", change.version)
    assert "GaPt03" not in json.dumps(told) + record.public_bytes().decode()

    size = site.log.size()
    assert change_consent(at(site, NOON + timedelta(hours=1)), *SOMEBODY, "deny").repeated
    assert site.log.size() == size

    second = publish(site, "people_open")
    assert (second.rows, second.state) == (19, "SUBMITTED")
    assert second.reasons == (
        f"people singled out together with {first.release}: 1 (0 or at least 5 a cell)",
    )
    current = current_release(site, "people_open")
    assert current is not None and current["release_id"] == first.release
    assert answer(site, question).repeated is False
    assert "fewer than 5" in write_report(site, None, tmp_path / "report").html
    assert fsck(site, print).clean


def test_whoever_permits_and_withdraws_again_is_out_again(site: Site) -> None:
    """The inputs are those of an earlier release then; it is made anew, not served as the current one."""
    everybody = [f"GaPt{number:02}" for number in range(1, 6)]
    write_people(site, 20)
    rows = []
    for hours, decision in enumerate(("deny", "permit", "deny", "permit")):
        now = at(site, NOON + timedelta(hours=hours))
        for person in everybody:
            change_consent(now, person, "gaitpdb", decision, ["research"])  # type: ignore[arg-type]
        made = publish(now, "people_open")
        assert made.state == "PUBLISHED" and not made.repeated
        assert publish(now, "people_open").release == made.release
        current = current_release(now, "people_open")
        assert current is not None and current["release_id"] == made.release
        rows.append(find_release(now, made.release)["rows"])
    assert rows == [15, 20, 15, 20]
    shown = show_consents(site, *("GaPt01", "gaitpdb"))
    assert [record["decision"] for record in shown["records"]] == ["deny", "permit"] * 2  # type: ignore[attr-defined]


def test_a_changed_product_is_stale_until_it_is_released_anew(site: Site) -> None:
    write_people(site, 20)
    first = publish(site, "people_open")
    changed = replace(site.contracts.by_table["gold.people_open"], digest="f" * 64)
    contracts = Contracts(by_table={**site.contracts.by_table, changed.table: changed})
    mended = replace(site, contracts=contracts)
    assert [own.table for own in stale_versions(mended)] == ["gold.people_open"]
    (second,) = refine_stale(mended).releases
    assert (second.state, second.repeated) == ("PUBLISHED", False) and second.release != first.release
    size = mended.log.size()
    assert refine_stale(mended).releases == () and mended.log.size() == size
    assert [own.table for own in stale_versions(site)] == ["gold.people_open"]
    (third,) = refine_stale(site).releases
    assert third.release not in {first.release, second.release} and stale_versions(site) == []
