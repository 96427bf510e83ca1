"""Consent decisions without Spark: what is landed, what is refused, what is counted."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from home_samples import commit_without_spark

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.core.actors import Role
from lakehouse.core.lineage import parse_record
from lakehouse.errors import NotAllowed, Refused, WrongUse
from lakehouse.pipeline import consent_decisions
from lakehouse.pipeline.consent_decisions import change_consent, show_consents
from lakehouse.pipeline.consents import count_refusals
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.report import make_page
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version, version_details

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOMEBODY = ("GaPt03", "gaitpdb")


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home that knows twenty people and holds nothing else."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    opened = open_home()
    opened.vault.subjects_for("gaitpdb", [f"GaPt{number:02}" for number in range(1, 21)])
    return at(opened, 0)


def at(site: Site, hours: int) -> Site:
    return replace(site, clock=lambda: NOON + timedelta(hours=hours))


def test_a_withdrawal_is_a_signed_record_that_names_nobody(site: Site) -> None:
    change = change_consent(site, *SOMEBODY, "deny", reason="asked by letter")
    record = parse_record(site.log.entry(change.leaf))
    assert (record.table, record.version) == ("bronze.consents", change.version)
    assert "GaPt03" not in json.dumps(change.as_json()) + record.public_bytes().decode()
    version = current_version(site, "bronze.consents")
    assert version is not None
    details = version_details(site, version)
    assert (details["received"], details["accepted"], details["reason"]) == (1, 1, "asked by letter")
    assert set(change.holds.values()) == {"deny"}
    assert not any(b"GaPt03" in file.read_bytes() for file in site.home.path.rglob("*") if file.is_file())
    assert fsck(site, print).clean


def test_said_again_it_changes_nothing(site: Site) -> None:
    first = change_consent(site, *SOMEBODY, "deny", ["research"])
    again = change_consent(at(site, 1), *SOMEBODY, "deny", ["research"])
    assert (first.repeated, again.repeated, again.leaf) == (False, True, first.leaf)
    assert not change_consent(at(site, 2), *SOMEBODY, "deny").repeated


def test_the_later_word_holds_and_each_is_kept(site: Site) -> None:
    """A withdrawal that names one purpose leaves the others to what was said of them."""
    told: list[tuple[int, str, str]] = [
        (0, "permit", "commercial"), (1, "deny", "research"),
        (2, "permit", "research"), (3, "deny", "research"),
    ]  # fmt: skip
    for hours, decision, purpose in told:
        change = change_consent(at(site, hours), *SOMEBODY, decision, [purpose])  # type: ignore[arg-type]
        assert not change.repeated
        assert change.holds[purpose] == decision
    shown = show_consents(at(site, 4), *SOMEBODY)
    assert shown["holds"] == {"research": "deny", "care_improvement": "deny", "commercial": "permit"}
    assert sorted(str(record["from"]) for record in shown["records"]) == [  # type: ignore[attr-defined]
        f"2026-11-22T{12 + hours}:00:00Z" for hours, _, _ in told
    ]


def test_who_may_not_know_is_told_nothing_and_the_dpo_is_told_clearly(site: Site) -> None:
    engineer = replace(site, actor=replace(site.actor, roles=frozenset({Role.ENGINEER, Role.ANALYST})))
    said = set()
    for person in ("GaPt03", "GaPt99"):
        with pytest.raises(NotAllowed) as refused:
            change_consent(engineer, person, "gaitpdb", "deny")
        said.add(str(refused.value))
    assert len(said) == 1
    dpo = replace(site, actor=replace(site.actor, roles=frozenset({Role.DPO})))
    size = dpo.log.size()
    with pytest.raises(Refused, match="nothing is held on that person"):
        change_consent(dpo, "GaPt99", "gaitpdb", "deny")
    with pytest.raises(Refused, match="knows no purpose"):
        change_consent(dpo, *SOMEBODY, "deny", ["advertising"])
    with pytest.raises(WrongUse, match="names its purposes"):
        change_consent(dpo, *SOMEBODY, "permit")
    with pytest.raises(WrongUse, match="id system"):
        change_consent(dpo, "GaPt03", "nowhere", "deny")
    assert dpo.log.size() == size
    assert not change_consent(dpo, *SOMEBODY, "deny", ["research"]).repeated


def test_the_site_report_tells_refusals_rounded(site: Site) -> None:
    for number in range(1, 8):
        change_consent(site, f"GaPt{number:02}", "gaitpdb", "deny", ["research"])
        grids = [grid for section in make_page(site, None)[1].sections for grid in section.grids]
        told = next(grid.rows[0][-1] for grid in grids if "Legal basis" in grid.columns)
        assert told == ("fewer than 5" if number < 5 else "about 5")
    assert count_refusals(site)["research"] == 7


def test_a_withdrawal_that_is_not_landed_would_be_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: were the record lost on the way, `holds` would say so."""
    change_consent(site, "GaPt01", "gaitpdb", "deny", ["research"])
    monkeypatch.setattr(consent_decisions, "land_found", lambda *_: None)
    assert change_consent(site, *SOMEBODY, "deny", ["research"]).holds["research"] == "permit"
