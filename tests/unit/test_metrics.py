"""Figures for a monitor, alerts and health: what they say, and whom they must not show."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from home_samples import make_home

from lakehouse.adapters.log_settings import LogSettings
from lakehouse.core.actors import Role
from lakehouse.core.alerts import AlertSettings
from lakehouse.core.metrics import counter, render_metrics, sample, shown_count
from lakehouse.errors import ContractError, NotAllowed, WrongUse
from lakehouse.pipeline.alerts import firing_alerts, record_missed_deadline, watched_alerts
from lakehouse.pipeline.health import site_health
from lakehouse.pipeline.metrics import absent_metrics, site_metrics

LINE = re.compile(r'livinglab_[a-z0-9_]+(\{[a-z]+="[^"\\\n]*"(,[a-z]+="[^"\\\n]*")*\})? [0-9]+(\.[0-9]+)?')


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A home whose second batch of people set 4 of 40 rows aside, 2 of them for one reason."""
    opened = make_home(tmp_path, monkeypatch)
    reasons = {"id_not_canonical": 2, "bad_type": 6}
    with opened.registry.transaction() as tx:
        tx.drop("batches", dataset="gait_people")
        tx.add("batches", **batch(1, 100, 92, reasons))
        tx.add("batches", **batch(2, 40, 40, {}))
        tx.change("charges", {"charge_id": "1"}, population="gait", purpose="research", actor="analyst")
        tx.change("charges", {"charge_id": "1"}, measure="epsilon", question_digest="1" * 64)
        tx.change("charges", {"charge_id": "1"}, created_at="2026-11-22T10:00:00Z")
    return opened


def batch(number, received, accepted, reasons, time="2026-11-22T10:00:00Z"):
    return {
        "dataset": "gait_people",
        "batch": number,
        "received": received,
        "accepted": accepted,
        "quarantined": received - accepted,
        "reasons": reasons,
        "run_key": f"run {number}",
        "created_at": time,
    }


def lines(site):
    return render_metrics(site_metrics(site)).splitlines()


def test_every_line_is_of_the_text_format(site):
    text = lines(site)
    assert all(line.startswith(("# HELP ", "# TYPE ")) or LINE.fullmatch(line) for line in text)
    named = {line.split()[2] for line in text if line.startswith("# TYPE ")}
    assert {re.split(r"[{ ]", line)[0] for line in text if not line.startswith("#")} == named


def test_figures_of_a_site(site):
    text = lines(site)
    assert 'livinglab_rows_received_total{dataset="gait_people"} 140' in text
    assert 'livinglab_rows_quarantined_total{dataset="gait_people",reason="bad_type"} 5' in text
    assert 'livinglab_versions_total{table="bronze.gait_people"} 2' in text
    assert f"livinglab_log_size {site.log.size()}" in text
    assert 'livinglab_budget_epsilon_left{population="gait",purpose="research"} 4.5' in text
    assert 'livinglab_approvals_open{product="gait_people_open"} 0' in text
    assert "livinglab_intents_stale 0" in text


def test_a_small_count_is_not_shown_nor_left_in_a_difference(site):
    """Two rows set aside: no sample, and received less accepted says 130 of 140, not 132."""
    text = "\n".join(lines(site))
    assert "id_not_canonical" not in text
    assert 'livinglab_rows_accepted_total{dataset="gait_people"} 130' in text


def test_counts_without_the_floor_would_show_two_people():
    """The broken variant: a floor of 1 and a step of 1 shows what the rule hides."""
    assert shown_count(2, minimum=5, step=5) is None
    assert shown_count(2, minimum=1, step=1) == 2
    assert (shown_count(0, minimum=5, step=5), shown_count(7, minimum=5, step=5)) == (0, 5)


@pytest.mark.parametrize("labels", [{"actor": "kim"}, {"file": "x"}, {"person": "p1"}, {"run": "r"}])
def test_no_label_but_the_known_ones(labels):
    with pytest.raises(WrongUse):
        counter("rows", "Rows", [sample(1, **labels)])


def test_a_reason_that_a_contract_words_freely_stays_on_its_line():
    text = render_metrics([counter("rows", "Rows", [sample(1, reason='not "known"\n\\ at all')])])
    assert text.splitlines()[-1] == r'livinglab_rows_total{reason="not \"known\"\n\\ at all"} 1'


def test_who_asked_is_in_no_metric(site):
    assert "analyst" not in "\n".join(lines(site))


def test_an_analyst_gets_no_metrics(site):
    with pytest.raises(NotAllowed):
        site_metrics(replace(site, actor=replace(site.actor, roles=frozenset({Role.ANALYST}))))


def test_without_a_home_there_is_one_figure():
    assert render_metrics(absent_metrics()).splitlines()[-1] == "livinglab_initialised 0"


def test_alerts_fire_above_their_thresholds_only(site):
    assert firing_alerts(site) == []
    with site.registry.transaction() as tx:
        tx.add("batches", **batch(3, 40, 20, {"bad_type": 20}))
    strict = AlertSettings(budget_left_share=Decimal("0.95"), period_days={"gait_people": 3, "ehr": 1})
    later = datetime.fromisoformat("2026-11-26T10:00:00Z")
    firing = firing_alerts(replace(site, alerts=strict, clock=lambda: later))
    assert [(alert.name, alert.about) for alert in firing] == [
        ("quarantine_share", "gait_people"),
        ("late_data", "gait_people"),
        ("late_data", "ehr"),
        ("budget_nearly_spent", "gait research"),
    ]
    assert 'livinglab_alert_firing{about="gait_people",alert="quarantine_share"} 1' in lines(site)


def test_a_head_without_the_cosignatures_demanded_fires_after_its_hours(site):
    demanding = replace(site, log_policy=LogSettings(cosignatures=1))
    assert "missed_cosignatures" not in {alert.name for alert in firing_alerts(demanding)}
    tomorrow = site.clock() + timedelta(hours=25)
    late = replace(demanding, clock=lambda: tomorrow)
    assert "missed_cosignatures" in {alert.name for alert in firing_alerts(late)}
    assert "missed_cosignatures" not in {
        alert.name for alert in firing_alerts(replace(site, clock=late.clock))
    }


def test_a_period_of_no_data_set_is_a_mistake_in_the_site_file(site):
    with pytest.raises(ContractError, match="nothing_here"):
        watched_alerts(replace(site, alerts=AlertSettings(period_days={"nothing_here": 1})))


def test_a_sound_site_is_healthy(site):
    assert site_health(site).ok


def test_a_write_left_open_for_hours_is_unhealthy(site):
    with site.registry.transaction() as tx:
        row = {"intent_id": "left", "state": "open", "created_at": "2026-11-01T10:00:00Z"}
        tx.add("intents", **row, run_key="r", verb="land", tables=[], payload={})
    found = site_health(site)
    assert (found.ok, len(found.reasons)) == (False, 1)
    assert "livinglab_intents_stale 1" in lines(site)


def test_an_older_registry_is_unhealthy_and_says_why(site):
    with site.registry.transaction() as tx:
        tx.drop("entries", leaf_index=tx.count("entries") - 1)
    assert "leaves" in site_health(site).reasons[0]


def test_cosignatures_missing_are_unhealthy_only_where_the_site_refuses(site):
    warning = replace(site, log_policy=LogSettings(cosignatures=1))
    assert site_health(warning).ok
    assert not site_health(replace(site, log_policy=LogSettings(cosignatures=1, when_missing="refuse"))).ok


def test_a_missed_deadline_is_told_for_its_hours_and_kept_once(site):
    """The run's name, which a person may have typed, is kept as a digest only."""
    assert record_missed_deadline(site, "refine_gait_people", "manual__for Anna")
    assert not record_missed_deadline(site, "refine_gait_people", "manual__for Anna")
    assert [alert.name for alert in firing_alerts(site)] == ["missed_deadline"]
    assert 'livinglab_alert_firing{about="refine_gait_people",alert="missed_deadline"} 1' in lines(site)
    tomorrow = site.clock() + timedelta(hours=25)
    assert firing_alerts(replace(site, clock=lambda: tomorrow)) == []
    with site.registry.reading() as tx:
        assert "Anna" not in str(tx.many("missed_deadlines"))
    with pytest.raises(WrongUse):
        record_missed_deadline(site, "Anna's run", "run")
