"""Events that their receiver refuses: set aside, counted, sent again by a replay; none waits for them."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from home_samples import BRONZE, make_home
from loopback_receiver import receiving

from lakehouse.adapters.lineage_settings import LineageSettings
from lakehouse.errors import Damaged
from lakehouse.pipeline import lineage_outbox
from lakehouse.pipeline.lineage import site_events
from lakehouse.pipeline.lineage_outbox import emit_lineage, send_waiting, waiting_lineage
from lakehouse.pipeline.lineage_refused import refused_lineage


@pytest.fixture
def home(tmp_path, monkeypatch):
    return make_home(tmp_path, monkeypatch)


def nobody(sentence):
    raise AssertionError(sentence)


@contextmanager
def refusing(refuse, status=422):
    """A receiver that refuses some events; yields its address and what it took."""
    took = []

    def answer(event):
        taken = not refuse(event)
        took.extend([event] if taken else [])
        return 201 if taken else status

    with receiving(answer) as (url, _):
        yield url, took


def test_an_event_that_is_refused_holds_up_no_other_and_is_sent_by_a_replay(home):
    wrong = [BRONZE]
    with refusing(lambda event: any(name in event["job"]["name"] for name in wrong)) as (url, took):
        site = replace(home, lineage=LineageSettings(url=url))
        said = []
        emit_lineage(site, said.append)
        first = list(took)
        emit_lineage(site, nobody)
        assert took == first, "nothing is asked again by itself"
        refused = refused_lineage(site)
        wrong.clear()
        sent = send_waiting(site, again=True)

    everything = list(site_events(site))
    assert said == [f"lineage: the receiver refused {refused} events, which are set aside"]
    assert first == [event for event in everything if BRONZE not in event["job"]["name"]] != []
    assert (waiting_lineage(site), len(first) + refused) == (0, len(everything))
    assert took[len(first) :] == [event for event in everything if BRONZE in event["job"]["name"]]
    assert (sent.events, sent.refused, refused_lineage(site)) == (refused, 0, 0)


def test_without_the_rule_one_event_would_hold_up_all_that_follow(home, monkeypatch):
    """The broken variant: what was so before."""
    monkeypatch.setattr("lakehouse.adapters.lineage_receiver._REFUSING", frozenset())
    with refusing(lambda event: BRONZE in event["job"]["name"]) as (url, took):
        site = replace(home, lineage=LineageSettings(url=url))
        for _ in range(2):
            emit_lineage(site, [].append)

    assert (took, waiting_lineage(site)) == ([], site.log.size())


def test_what_is_no_verdict_on_an_event_keeps_the_order(home):
    with refusing(lambda event: BRONZE in event["job"]["name"], 404) as (url, took):
        site = replace(home, lineage=LineageSettings(url=url))
        emit_lineage(site, [].append)

    assert (took, refused_lineage(site), waiting_lineage(site)) == ([], 0, site.log.size())


def test_a_sender_killed_between_sets_no_event_aside_twice(home, monkeypatch):
    """What was sent before the memory was written is sent again: it is the same event."""
    with refusing(lambda event: BRONZE in event["job"]["name"]) as (url, _):
        site = replace(home, lineage=LineageSettings(url=url))
        emit_lineage(site, [].append)
        before = refused_lineage(site)
        site.home.place("lineage", "sent.json").unlink()
        emit_lineage(site, [].append)

    assert refused_lineage(site) == before > 0


def test_another_place_gets_what_the_one_before_refused(home, tmp_path):
    """A failure leaves no leaf: refused by one catalogue, it is told to the next."""
    with refusing(lambda _: True) as (url, _):
        site = replace(home, lineage=LineageSettings(url=url))
        lineage_outbox.keep_failure(site, [{"eventType": "FAIL", "job": {"name": "land"}}])
        emit_lineage(site, [].append)
    moved = replace(home, lineage=LineageSettings(file=tmp_path / "other.ndjson"))
    emit_lineage(moved, nobody)

    sent = [json.loads(line) for line in moved.lineage.file.read_text().splitlines()]
    assert {"eventType": "FAIL", "job": {"name": "land"}} in sent
    assert refused_lineage(moved) == 0


def test_a_receiver_that_refuses_everything_is_the_one_that_is_wrong(home, monkeypatch):
    """What is kept is bounded; then everything waits in its order."""
    monkeypatch.setattr("lakehouse.pipeline.lineage_refused.REFUSED_KEPT", 3)
    with refusing(lambda _: True) as (url, _):
        site = replace(home, lineage=LineageSettings(url=url))
        said = []
        emit_lineage(site, said.append)

    assert "has refused 3 events" in said[0]
    assert (refused_lineage(site), waiting_lineage(site)) == (3, site.log.size())


def test_a_torn_event_is_damage_that_says_what_helps(home):
    with refusing(lambda _: True) as (url, _):
        site = replace(home, lineage=LineageSettings(url=url))
        emit_lineage(site, [].append)
        next(site.home.place("lineage", "refused").glob("*.json")).write_text("{")
        with pytest.raises(Damaged, match="cannot be parsed"):
            send_waiting(site, again=True)
