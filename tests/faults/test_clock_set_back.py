"""A clock that is set back a day: nothing is signed under it, and what people have said goes on to hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.adapters.delta_tables import DeltaLake, Mode
from lakehouse.core.lineage import parse_record
from lakehouse.errors import Unavailable
from lakehouse.pipeline import consent_decisions, consents, log_records
from lakehouse.pipeline.consent_decisions import change_consent
from lakehouse.pipeline.consents import consent_coverage, count_refusals
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.site import Site
from tests.drills.append_server import append_answer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOMEBODY = ("GaPt03", "gaitpdb")
PURPOSE = "research"


def commit_without_spark(self: DeltaLake, table: str, staged: Path, *, mode: Mode, intent: str) -> None:
    """Take the place of Spark: commit staged rows with delta-rs."""
    del intent
    write_deltalake(self.folder_of(table), pq.read_table(staged), mode=mode)


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home that knows one person, at noon."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    opened = open_home()
    opened.vault.subjects_for("gaitpdb", [SOMEBODY[0]])
    return later(opened, timedelta())


def later(site: Site, by: timedelta) -> Site:
    return replace(site, clock=lambda: NOON + by)


YESTERDAY = timedelta(days=-1)


def person(site: Site) -> str:
    return site.vault.subjects_for("gaitpdb", [SOMEBODY[0]])[SOMEBODY[0]]


def test_a_withdrawn_consent_stays_withdrawn(site: Site) -> None:
    """The denial says that it holds from noon on; a clock of yesterday has not reached it."""
    change_consent(site, *SOMEBODY, "deny", [PURPOSE])
    yesterday = later(site, YESTERDAY)
    assert person(yesterday) in consent_coverage(yesterday, [person(yesterday)], PURPOSE).denied
    assert count_refusals(yesterday)[PURPOSE] == 1


def test_a_clock_that_is_trusted_forgets_the_withdrawal(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant."""
    change_consent(site, *SOMEBODY, "deny", [PURPOSE])
    monkeypatch.setattr(consents, "log_now", lambda own: own.clock())
    yesterday = later(site, YESTERDAY)
    assert person(yesterday) not in consent_coverage(yesterday, [person(yesterday)], PURPOSE).denied


def test_nothing_is_signed_until_the_clock_is_right(site: Site, tmp_path: Path) -> None:
    append_answer(site, "answer-at-noon")
    yesterday = later(site, YESTERDAY)
    notes = tmp_path / "notes.jsonl"
    notes.write_text("{}\n")
    for write in (
        lambda: append_answer(yesterday, "answer-of-yesterday"),
        lambda: land(yesterday, "clinic_notes", [notes]),
        lambda: change_consent(yesterday, *SOMEBODY, "permit", [PURPOSE]),
    ):
        with pytest.raises(Unavailable, match="1440 minutes before the newest record"):
            write()
    recover(yesterday)
    assert site.log.size() == 1
    append_answer(later(site, timedelta(minutes=1)), "answer-after")
    assert site.log.size() == 2
    assert fsck(site, lambda _said: None).clean


def test_a_clock_put_right_by_seconds_stops_nobody_and_no_record_is_older_than_the_last(site: Site) -> None:
    """Time services set clocks back by seconds: such a record bears the time of the one before."""
    append_answer(site, "first")
    append_answer(later(site, timedelta(seconds=-90)), "second")
    times = [parse_record(site.log.entry(number)).time for number in range(2)]
    assert times == ["2026-11-22T12:00:00Z"] * 2


def test_a_withdrawal_after_a_permit_holds_though_the_clock_went_back_between(site: Site) -> None:
    change_consent(site, *SOMEBODY, "permit", [PURPOSE])
    change = change_consent(later(site, timedelta(seconds=-90)), *SOMEBODY, "deny", [PURPOSE])
    assert change.holds[PURPOSE] == "deny"


def test_with_the_machines_clock_the_permit_would_overcome_the_withdrawal(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: the later word bears the earlier time."""
    for module in (consents, consent_decisions, log_records):
        monkeypatch.setattr(module, "log_now", lambda own: own.clock())
    change_consent(site, *SOMEBODY, "permit", [PURPOSE])
    change_consent(later(site, timedelta(seconds=-90)), *SOMEBODY, "deny", [PURPOSE])
    assert person(site) in consent_coverage(site, [person(site)], PURPOSE).permitted
