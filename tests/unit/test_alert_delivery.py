"""Alerts go out: told once, told again only to whom they did not reach, and nothing of ours goes along."""

import json
import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_receiver import receiving

from lakehouse.adapters.alert_receivers import AlertAddress, AlertCommand
from lakehouse.core.alert_notice import AlertKey, AlertNotice
from lakehouse.core.alerts import AlertSettings, parse_alerts
from lakehouse.core.toml_section import Section
from lakehouse.errors import ContractError, Damaged, Unavailable, WrongUse
from lakehouse.pipeline.alert_delivery import settle_alerts, tell_alerts, waiting_notices
from lakehouse.pipeline.alerts import record_missed_deadline
from lakehouse.pipeline.settle import settle_head

LATE = AlertSettings(period_days={"ehr": 1})
"""Nothing of this data set ever landed: its alert fires."""

KEPT_TEXT = """#!/bin/sh
/bin/cat >> {folder}/said
/usr/bin/env > {folder}/environment
echo $# "$1" > {folder}/words
"""


@pytest.fixture
def site(open_home):
    return open_home()


def program(folder, text):
    path = folder / "program"
    path.write_text(text.format(folder=folder))
    path.chmod(0o700)
    return path


def keeping(folder):
    """A program that keeps what it is given."""
    return program(folder, KEPT_TEXT)


def said(folder):
    file = folder / "said"
    return file.read_text().split("LivingLab ")[1:] if file.exists() else []


def telling(site, **settings):
    return replace(site, alerts=replace(LATE, **settings))


def nobody(sentence):
    raise AssertionError(sentence)


def test_an_alert_is_told_once_and_its_end_once(site, tmp_path):
    telling_site = telling(site, command=(str(keeping(tmp_path)),))
    for _ in range(3):
        settle_head(telling_site, nobody)
    began = said(tmp_path)
    for _ in range(2):
        settle_head(replace(telling_site, alerts=replace(telling_site.alerts, period_days={})), nobody)

    assert [text.splitlines()[0] for text in began] == ["local: late_data ehr began"]
    assert "ehr has had no new batch for more than 1 days" in began[0]
    assert "What helps: see what keeps its source, then livinglab land ehr PATH" in began[0]
    assert [text.splitlines()[0] for text in said(tmp_path)[1:]] == ["local: late_data ehr ended"]
    assert waiting_notices(telling_site) == 1, "it fires: another beginning"


def test_a_post_holds_the_facts_of_the_alert(site, monkeypatch):
    monkeypatch.setenv("LIVINGLAB_ALERTS_TOKEN", "s3cret")
    with receiving(lambda _: 204) as (url, came):
        assert tell_alerts(telling(site, url=url)).told == 1
    ((headers, notice),) = came

    assert headers["authorization"] == "Bearer s3cret"
    assert notice.pop("time").endswith("Z")
    assert notice == {
        "schema": "livinglab/alert/v1",
        "state": "began",
        "alert": "late_data",
        "about": "ehr",
        "says": "ehr has had no new batch for more than 1 days",
        "remedy": "see what keeps its source, then livinglab land ehr PATH",
        "site": "local",
        "origin": site.home.origin,
    }


def test_a_receiver_that_is_down_gets_it_later_and_the_other_not_again(site, tmp_path):
    status = [503]
    with receiving(lambda _: status[0]) as (url, came):
        both = telling(site, command=(str(keeping(tmp_path)),), url=url)
        problems = []
        settle_alerts(both, problems.append)
        waited = waiting_notices(both)
        status[0] = 200
        settle_alerts(both, nobody)

    assert len(problems) == 1 and "503" in problems[0] and url not in problems[0]
    assert (waited, len(came), len(said(tmp_path))) == (1, 2, 1)
    assert waiting_notices(both) == 0


def test_a_redirect_is_no_delivery(site):
    with receiving(lambda _: 302) as (url, _):
        assert tell_alerts(telling(site, url=url)).problems == ("the receiver of alerts answered 302",)


def test_a_command_gets_no_shell_and_no_environment(site, tmp_path, monkeypatch):
    """Keys, passwords and tokens stay with us; words of the site file are arguments as they stand."""
    monkeypatch.setenv("LIVINGLAB_ALERTS_TOKEN", "s3cret")
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    words = (str(keeping(tmp_path)), "$(touch ran); `touch ran` *")
    settle_head(telling(site, command=words), nobody)
    environment = (tmp_path / "environment").read_text()

    assert "s3cret" not in environment and "LIVINGLAB" not in environment
    assert {line.partition("=")[0] for line in environment.splitlines()} <= {
        "PATH",
        "LANG",
        "PWD",
        "SHLVL",
        "_",
    }
    assert (tmp_path / "words").read_text() == "1 $(touch ran); `touch ran` *\n"


def test_with_our_environment_a_command_would_read_the_token(site, tmp_path, monkeypatch):
    """The broken variant."""
    monkeypatch.setattr("lakehouse.adapters.alert_receivers.ENVIRONMENT", {**os.environ, "TOKEN": "s3cret"})
    settle_head(telling(site, command=(str(keeping(tmp_path)),)), nobody)

    assert "s3cret" in (tmp_path / "environment").read_text()


NOTICE = AlertNotice(
    state="began",
    key=AlertKey(name="late_data", about="ehr"),
    says="ehr is late",
    remedy="land it",
    site="local",
    origin="livinglab.local/1",
    time="2026-11-22T10:00:00Z",
)


@pytest.mark.parametrize(
    ("text", "seconds", "problem"),
    [
        ("#!/bin/sh\nexit 3\n", 60, "ended with 3"),
        ("#!/bin/sh\nkill -9 $$\n", 60, "ended with -9"),
        ("#!/bin/sh\n/bin/sleep 60 &\nwait\n", 0.3, "took over 0.3 s"),
        ("not a program", 60, "cannot be run"),
    ],
)
def test_a_command_that_fails_or_hangs_is_a_problem_said(tmp_path, text, seconds, problem):
    with pytest.raises(Unavailable, match=problem):
        AlertCommand(command=[str(program(tmp_path, text))], seconds=seconds).send(NOTICE)


def ended_within(seconds: float, process: str) -> bool:
    """Whether a process is gone: it is killed at once, and dies when the machine next gives it a turn."""
    state = Path("/proc", process, "stat")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if state.read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_what_a_command_started_ends_with_its_deadline(tmp_path):
    """A busy machine may not let the command start anything within its first deadline."""
    hanging = program(tmp_path, "#!/bin/sh\n/bin/sleep 600 &\necho $! > {folder}/child\nwait\n")
    child = tmp_path / "child"
    for seconds in (0.5, 5.0, 50.0):
        with pytest.raises(Unavailable):
            AlertCommand(command=[str(hanging)], seconds=seconds).send(NOTICE)
        if child.exists() and child.read_text().endswith("\n"):
            break

    assert ended_within(60, child.read_text().strip())


def test_a_command_that_reads_nothing_is_told_all_the_same(tmp_path):
    AlertCommand(command=["/bin/true"]).send(replace(NOTICE, says="x" * 200_000))


def test_an_address_stands_in_no_message_and_no_repr():
    address = AlertAddress(url="https://hook.example.invalid/T0K3N", token="s3cret")

    assert "T0K3N" not in repr(address) and "s3cret" not in repr(address)
    assert "T0K3N" not in repr(AlertSettings(url=address.url))
    with pytest.raises(WrongUse, match="printable"):
        AlertAddress(url=address.url, token="two\nlines")


def test_another_receiver_is_told_of_what_fires_already(site, tmp_path):
    settle_head(telling(site, command=(str(keeping(tmp_path)), "a")), nobody)
    settle_head(telling(site, command=(str(keeping(tmp_path)), "b")), nobody)

    assert len(said(tmp_path)) == 2


def test_a_lost_memory_means_telling_again_and_a_torn_one_says_what_helps(site, tmp_path):
    told = telling(site, command=(str(keeping(tmp_path)),))
    settle_head(told, nobody)
    memory = site.home.place("alerts", "told.json")
    mode = stat.S_IMODE(memory.stat().st_mode)
    memory.unlink()
    settle_head(told, nobody)
    for torn in ("{", "[]", '{"a": [{"alert": 1, "about": "b", "since": "c"}]}', '{"a": "b"}'):
        memory.write_text(torn)
        with pytest.raises(Damaged, match="cannot be parsed"):
            tell_alerts(told)
    problems = []
    settle_head(told, problems.append)

    assert (mode, len(said(tmp_path))) == (0o600, 2)
    assert problems == ["alerts wait to be told: alerts/told.json cannot be parsed"]


def test_two_at_once_tell_once(site, tmp_path, monkeypatch):
    """The second finds the first at work and goes on with its own."""
    told = telling(site, command=(str(keeping(tmp_path)),))
    monkeypatch.setattr("lakehouse.pipeline.alert_delivery.LOCK_SECONDS", 0.05)
    problems = []
    with site.locks.hold(["alerts"]):
        other = threading.Thread(
            target=settle_alerts, args=(replace(told, locks=fresh(site)), problems.append)
        )
        other.start()
        other.join()

    assert len(problems) == 1 and said(tmp_path) == []


def fresh(site):
    """Return locks as another process has them."""

    class Held:
        def hold(self, names, wait):
            raise Unavailable("alerts has been written by another process for 0 s")

    return Held()


def test_nothing_that_a_person_typed_goes_out(site, tmp_path):
    """A run's name is kept as a digest: its DAG alone is told."""
    record_missed_deadline(site, "refine_gait_people", "manual__for Anna")
    settle_head(telling(site, command=(str(keeping(tmp_path)),)), nobody)
    text = "".join(said(tmp_path))

    assert "missed_deadline refine_gait_people began" in text and "Anna" not in text


def test_without_a_receiver_nothing_is_kept(site):
    settle_head(replace(site, alerts=LATE), nobody)

    assert not site.home.place("alerts").exists()


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"command": "mail on-call"}, "must be a list"),
        ({"command": ["mail", "on-call"]}, "whole path"),
        ({"command": []}, "whole path"),
        ({"command": ["/bin/mail", "a\0b"]}, "no NUL"),
        ({"command": ["/bin/mail", 7]}, "list of texts"),
        ({"url": "http://alerts.example/hook"}, "must begin with https"),
        ({"url": "ftp://127.0.0.1/hook"}, "must begin with https"),
        ({"url": "https://kim:pw@alerts.example/"}, "without user and password"),
        ({"url": "https://"}, "not an address"),
        ({"url": "https://alerts.example:0x/"}, "not an address"),
        ({"url": "https://alerts.example/\r\nhost: other"}, "not an address"),
    ],
)
def test_a_site_file_names_a_program_by_its_path_and_an_address_that_is_safe(section, problem):
    with pytest.raises(ContractError, match=problem):
        parse_alerts(Section(section, file="site.toml", place="alerts"))


def test_a_site_file_may_name_both():
    section = {"command": ["/usr/bin/mail", "on-call"], "url": "https://alerts.example/hook?sig=1"}
    settings = parse_alerts(Section(section, file="site.toml", place="alerts"))

    assert (settings.command, settings.url) == (("/usr/bin/mail", "on-call"), section["url"])
    assert settings.told_anywhere and not AlertSettings().told_anywhere


def test_a_timer_tells_by_the_command(site, tmp_path, capsys):
    """Told, told nothing more, and exit code 7 where a receiver takes nothing."""
    from lakehouse.adapters.site_file import DEFAULT_SITE
    from lakehouse.cli.main import run

    def tell(*settings):
        named = tmp_path / "site.toml"
        named.write_text("\n".join([f'base = "{DEFAULT_SITE}"', "[alerts]", *settings]))
        code = run(["--home", str(site.home.path), "--site", str(named), "--json", "status", "--tell"])
        return code, json.loads(capsys.readouterr().out)

    days = "[alerts.period_days]\nehr = 1"
    command = f'command = ["{keeping(tmp_path)}"]'
    assert tell(command, days) == (0, {"told": 1, "waiting": 0})
    assert tell(command, days) == (0, {"told": 0, "waiting": 0})
    code, refused = tell('command = ["/bin/false"]', days)
    assert (code, refused["error"]["waiting"], refused["error"]["code"]) == (7, 1, "UNAVAILABLE")
    assert tell(days)[0] == 2


def test_what_waits_is_a_figure_for_monitors(site, tmp_path):
    from lakehouse.core.metrics import render_metrics
    from lakehouse.pipeline.metrics import site_metrics

    told = telling(site, command=(str(keeping(tmp_path)),))
    before = render_metrics(site_metrics(told))
    settle_head(told, nobody)

    assert "livinglab_alerts_untold 1" in before
    assert "livinglab_alerts_untold 0" in render_metrics(site_metrics(told))
    assert "alerts_untold" not in render_metrics(site_metrics(site))
