"""Lineage as it happens: sent once, kept while nobody takes it, and never a reason for a write to fail."""

import json
from dataclasses import replace

import pytest
from home_samples import BRONZE, TYPED_RUN, bronze_rows, make_home
from loopback_receiver import receiving

from lakehouse.adapters.lineage_settings import LineageSettings, parse_lineage
from lakehouse.core.toml_section import Section
from lakehouse.errors import ContractError, Damaged, Refused, Unavailable
from lakehouse.pipeline import lineage_outbox
from lakehouse.pipeline.lineage import site_events
from lakehouse.pipeline.lineage_failures import tells_failure
from lakehouse.pipeline.lineage_outbox import emit_lineage, send_waiting, waiting_lineage
from lakehouse.pipeline.settle import settle_head
from lakehouse.pipeline.writing import write_tables


@pytest.fixture
def home(tmp_path, monkeypatch):
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def site(home, tmp_path):
    """A site whose lineage goes to a file."""
    return replace(home, lineage=LineageSettings(file=tmp_path / "out" / "lineage.ndjson"))


def told(site):
    file = site.lineage.file
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def nobody(sentence):
    raise AssertionError(sentence)


def write_more(site, batch):
    people = list(site.vault.subjects_for("gaitpdb", ["GaCo01", "GaPt02"]).values())
    write_tables(site, verb="land", run_key=f"land {batch}", writes=[bronze_rows(people, batch)])


def test_the_end_of_a_write_sends_what_a_replay_would_give(site):
    settle_head(site, nobody)

    assert told(site) == list(site_events(site))
    assert waiting_lineage(site) == 0
    assert site.lineage.file.stat().st_mode & 0o777 == 0o600


def test_nothing_is_sent_twice(site):
    settle_head(site, nobody)
    settle_head(site, nobody)
    write_more(site, 3)
    settle_head(site, nobody)

    assert told(site) == list(site_events(site))


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_window_that_ends_anywhere_loses_no_write_and_doubles_none(site, monkeypatch, at_once):
    monkeypatch.setattr(lineage_outbox, "LEAVES_AT_ONCE", at_once)
    send_waiting(site)

    assert told(site) == list(site_events(site))


def test_without_a_place_nothing_is_kept_or_sent(home):
    settle_head(home, nobody)

    assert not home.home.place("lineage").exists()
    assert waiting_lineage(home) == 0


def test_a_receiver_that_is_down_stops_no_write_and_gets_everything_later(home):
    status, said = [503], []
    with receiving(lambda _: status[0]) as (url, came):
        site = replace(home, lineage=LineageSettings(url=url))
        emit_lineage(site, said.append)
        waited = waiting_lineage(site)
        status[0] = 201
        came.clear()
        emit_lineage(site, nobody)

    assert len(said) == 1 and "503" in said[0]
    assert waited == site.log.size()
    assert [event for _, event in came] == list(site_events(site))
    assert waiting_lineage(site) == 0


def test_a_write_does_not_wait_for_a_lock_that_another_sender_holds(site, monkeypatch):
    def held(_names, _wait):
        raise Unavailable("lineage has been written by another process for 5 s")

    monkeypatch.setattr(type(site.locks), "hold", lambda self, names, wait: held(names, wait))
    said = []
    emit_lineage(site, said.append)

    assert said and told(site) == []


def test_another_place_gets_everything_from_the_beginning(site, tmp_path):
    settle_head(site, nobody)
    moved = replace(site, lineage=LineageSettings(file=tmp_path / "other.ndjson"))
    settle_head(moved, nobody)

    assert told(moved) == told(site)


def test_a_backlog_goes_out_in_parts_and_a_replay_takes_the_rest(site, monkeypatch):
    monkeypatch.setattr(lineage_outbox, "LEAVES_A_WRITE", 2)
    emit_lineage(site, nobody)
    part = len(told(site))
    sent = send_waiting(site)

    assert part == 4
    assert told(site) == list(site_events(site))
    assert (sent.events, sent.waiting) == (6, 0)


def test_a_failed_step_is_told_by_its_code_under_the_dag_that_ran_it(site):
    @tells_failure("land", lambda dataset: f"bronze.{dataset}")
    def land(site, dataset):
        raise Refused(f"GaPt03 of {dataset}")

    with pytest.raises(Refused):
        land(replace(site, run=TYPED_RUN), BRONZE.partition(".")[2])
    settle_head(site, nobody)
    start, fail = told(site)[-2:]

    assert (start["eventType"], fail["eventType"]) == ("START", "FAIL")
    assert start["run"]["runId"] == fail["run"]["runId"]
    assert fail["job"]["name"] == f"land.{BRONZE}"
    assert fail["run"]["facets"]["errorMessage"]["message"] == "POLICY_REFUSED"
    assert fail["run"]["facets"]["parent"]["job"]["name"] == "source_gait_people"
    assert {word for word in ("GaPt03", "Anna", "manual") if word in json.dumps([start, fail])} == set()


def test_a_fault_is_told_without_its_message(site):
    @tells_failure("publish", lambda product: f"gold.{product}")
    def publish(site, product):
        raise ValueError("could not convert 'GaPt03'")

    with pytest.raises(ValueError, match="GaPt03"):
        publish(site, "gait_by_cohort")
    settle_head(site, nobody)

    assert told(site)[-1]["run"]["facets"]["errorMessage"]["message"] == "FAULT"
    assert "GaPt03" not in json.dumps(told(site))


def test_a_name_that_somebody_typed_is_told_nowhere(site):
    @tells_failure("land", lambda dataset: f"bronze.{dataset}")
    def land(site, dataset):
        raise Refused("there is no such data set")

    with pytest.raises(Refused):
        land(site, "anna_muster")
    settle_head(site, nobody)

    assert "anna_muster" not in json.dumps(told(site))


def test_a_step_that_ends_well_tells_nothing_of_its_own(site):
    @tells_failure("land", lambda dataset: f"bronze.{dataset}")
    def land(site, dataset):
        return 7

    assert land(site, "gait_people") == 7
    assert waiting_lineage(site) == site.log.size()


def test_failures_that_nobody_takes_are_bounded(site, monkeypatch):
    monkeypatch.setattr(lineage_outbox, "FAILURES_KEPT", 3)
    for number in range(5):
        lineage_outbox.keep_failure(site, [{"eventType": "FAIL", "number": number}])
    settle_head(site, nobody)

    assert [event["number"] for event in told(site)[-3:]] == [2, 3, 4]


def test_a_token_that_would_travel_in_clear_is_said_and_stops_no_write(home, monkeypatch):
    monkeypatch.setenv("LIVINGLAB_LINEAGE_TOKEN", "s3cret")
    said = []
    emit_lineage(replace(home, lineage=LineageSettings(url="http://catalogue.example/")), said.append)

    assert len(said) == 1 and "in clear" in said[0] and "s3cret" not in said[0]


def test_a_failure_that_cannot_be_kept_hides_no_other(site):
    """A read-only home still says why a step was refused."""
    site.home.place("lineage").write_text("in the way")

    @tells_failure("land", lambda dataset: f"bronze.{dataset}")
    def land(site, dataset):
        raise Refused("the policy says no")

    with pytest.raises(Refused, match="policy"):
        land(site, "gait_people")


def test_a_restored_copy_is_told_of_from_the_beginning(site):
    """Its log is shorter than what was sent: what it writes now has leaves that were somebody else's."""
    settle_head(site, nobody)
    before = told(site)
    memory = site.home.place("lineage", "sent.json")
    memory.write_text(memory.read_text().replace(f'"leaf": {site.log.size()}', '"leaf": 99'))
    settle_head(site, nobody)

    assert told(site) == [*before, *before]


def test_a_torn_memory_is_damage_that_says_what_helps(site):
    site.home.place("lineage").mkdir(exist_ok=True)
    site.home.place("lineage", "sent.json").write_text("{")

    with pytest.raises(Damaged, match="cannot be parsed"):
        send_waiting(site)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "or url must be named"),
        ({"file": "a", "url": "http://127.0.0.1:1/"}, "one of the two"),
        ({"url": "https://kim:pw@catalogue.example"}, "without password"),
        ({"file": "a", "fiel": "b"}, "fiel"),
    ],
)
def test_a_site_file_names_one_place_without_a_password(said, problem, tmp_path):
    with pytest.raises(ContractError, match=problem):
        parse_lineage(Section(said, file="site.toml", place="lineage"), tmp_path)


def test_a_file_lies_beside_the_site_file(tmp_path):
    settings = parse_lineage(Section({"file": "out.ndjson"}, file="site.toml"), tmp_path)

    assert settings.file == tmp_path / "out.ndjson"


def test_the_command_without_a_place_sends_what_waits(home, tmp_path, capsys):
    """To the place of the site file; sent again, nothing is left."""
    from lakehouse.adapters.site_file import DEFAULT_SITE
    from lakehouse.cli.main import run

    named = tmp_path / "site.toml"
    named.write_text(f'base = "{DEFAULT_SITE}"\n[lineage]\nfile = "lineage.ndjson"\n')
    events = []
    for _ in range(2):
        assert run(["--site", str(named), "--json", "lineage", "replay"]) == 0
        events.append(json.loads(capsys.readouterr().out)["events"])
    lines = (tmp_path / "lineage.ndjson").read_text().splitlines()

    assert [json.loads(line) for line in lines] == list(site_events(home))
    assert events == [len(lines), 0]


def test_what_waits_is_a_figure_for_monitors(site, home):
    from lakehouse.core.metrics import render_metrics
    from lakehouse.pipeline.metrics import site_metrics

    with home.registry.transaction() as tx:
        tx.drop("charges", charge_id="1")
    before = render_metrics(site_metrics(site))
    settle_head(site, nobody)

    assert f"livinglab_lineage_waiting {site.log.size()}" in before
    assert "livinglab_lineage_refused 0" in before
    assert "livinglab_lineage_waiting 0" in render_metrics(site_metrics(site))
    assert "lineage_waiting" not in render_metrics(site_metrics(home))
