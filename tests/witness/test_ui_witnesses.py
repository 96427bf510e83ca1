"""The UI of a site without witnesses has three of its own, for as long as it runs."""

import argparse
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakehouse.core.trust import parse_trust
from lakehouse.pipeline.cosign import cosign_by_policy
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site
from lakehouse.sites import keys_folder, open_site
from livinglab_airflow.pages import compliance_page
from livinglab_airflow.run_ui import _witnessed_site

Home = Callable[..., Site]


class Events:
    """Takes the place of the pipe to `livinglab ui`."""

    def send(self, event: str, **facts: object) -> None:
        """Forget the event."""


@contextmanager
def running_ui(site: Site, site_file: Path | None = None) -> Iterator[Path | None]:
    """Run what the UI runs besides Airflow."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    options = argparse.Namespace(home=site.home.path, site=site_file, port=0)
    with _witnessed_site(options, Events(), running) as chosen:  # type: ignore[arg-type]
        yield chosen
    assert all(process.poll() is not None for process in running.values())


def is_clean(site: Site) -> bool:
    return fsck(site, lambda sentence: None).clean


def test_three_witnesses_stand_behind_the_head_while_the_ui_runs(open_home: Home) -> None:
    site = open_home()
    with running_ui(site):
        within = open_site(None, site.home.path)
        assert (within.log_policy.cosignatures, len(within.log_policy.witnesses)) == (2, 3)
        log_record(within, draft_record(within, kind="decision", digests={}, details={}, ref="d"))
        result = cosign_by_policy(within, print)
        assert result is not None
        assert len(result.collected) == 3
        assert parse_trust(within.log.trust_file()).cosignatures == 2
        assert is_clean(within)
        shown = compliance_page(within, []).log
        assert (len(shown["cosigning"]["collected"]), shown["witnesses"]) == (3, 3)
        keys = keys_folder(site.home) / "witnesses"
        assert len(list(keys.glob("*/ml_dsa_44.key"))) == 3
        assert not keys.is_relative_to(site.home.path)
    after = open_site(None, site.home.path)
    assert parse_trust(after.log.trust_file()).witnesses == ()
    assert is_clean(after)


def test_what_a_killed_ui_left_is_not_taken_for_a_running_one(
    open_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is gone: the site file that was chosen counts again, and status names the trust file."""
    from livinglab_airflow import run_ui

    site = open_home()
    with monkeypatch.context() as patch:
        patch.setattr(run_ui, "dismiss_witnesses", lambda home, site_file: None)
        with running_ui(site):
            pass
    monkeypatch.setattr("os.kill", gone)
    after = open_site(None, site.home.path)
    assert after.log_policy.witnesses == ()
    assert not after.log.trust_is_current()


def gone(process: int, number: int) -> None:
    raise ProcessLookupError


def test_a_site_with_witnesses_of_its_own_keeps_them(home: Home, tmp_path: Path) -> None:
    site = home()
    with running_ui(site, tmp_path / "site.toml") as chosen:
        assert chosen == tmp_path / "site.toml"
        assert not (site.home.path / "airflow" / "witnesses").exists()
