"""The UI of a site without witnesses has three of its own, for as long as it runs."""

import argparse
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lakehouse.adapters.site_file import HOME_WITNESSES
from lakehouse.core.trust import parse_trust
from lakehouse.errors import Damaged
from lakehouse.pipeline.cosign import cosign_by_policy
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.verify import verify
from lakehouse.sites import keys_folder, open_site
from livinglab_airflow.pages import compliance_page
from livinglab_airflow.run_ui import _start_witnesses, stop_all

Home = Callable[..., Site]


class Events:
    """Takes the place of the pipe to `livinglab ui`."""

    def send(self, event: str, **facts: object) -> None:
        """Forget the event."""


@contextmanager
def running_ui(site: Site, site_file: Path | None = None) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run what the UI runs besides Airflow."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    options = argparse.Namespace(home=site.home.path, site=site_file, port=0)
    try:
        _start_witnesses(options, Events(), running)  # type: ignore[arg-type]
        yield running
    finally:
        stop_all(running)


def is_clean(site: Site) -> bool:
    return fsck(site, lambda sentence: None).clean


def log_one(site: Site) -> None:
    log_record(site, draft_record(site, kind="decision", digests={}, details={}, ref="d"))


def test_three_witnesses_stand_behind_the_head_while_the_ui_runs(open_home: Home) -> None:
    site = open_home()
    with running_ui(site):
        within = open_site(None, site.home.path)
        log_one(within)
        result = cosign_by_policy(within, print)
        assert result is not None
        assert len(result.collected) == 3
        assert len(parse_trust(within.log.trust_file()).witnesses) == 6
        assert is_clean(within)
        shown = compliance_page(within, []).log
        assert (len(shown["cosigning"]["collected"]), shown["witnesses"]) == (3, 3)
        keys = keys_folder(site.home) / "witnesses"
        assert len(list(keys.glob("*/ml_dsa_44.key"))) == 3
        assert not keys.is_relative_to(site.home.path)


def test_a_home_goes_on_without_them_and_every_proof_holds(
    open_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing demands what ends with the UI: proofs of before, while and after verify, writes say nothing."""
    site = open_home()
    log_one(site)
    before = prove(site, "d").bundle
    with running_ui(site):
        within = open_site(None, site.home.path)
        during = prove(within, "d").bundle
    after = open_site(None, site.home.path)
    log_one(after)
    assert cosign_by_policy(after, print) is not None
    assert capsys.readouterr().out == ""
    assert is_clean(after)
    trust = parse_trust(after.log.trust_file())
    assert all(verify(bundle, trust).verified for bundle in (before, during, prove(after, "d").bundle))
    size = after.log.size()
    with running_ui(after):
        assert open_site(None, site.home.path).log.size() == size


def test_a_home_whose_list_of_witnesses_cannot_be_read_is_damaged(open_home: Home) -> None:
    (open_home().home.path / HOME_WITNESSES).write_text("[log")
    with pytest.raises(Damaged):
        open_home()


def test_a_site_with_witnesses_of_its_own_keeps_them(home: Home, tmp_path: Path) -> None:
    site = home()
    with running_ui(site, tmp_path / "site.toml") as running:
        assert running == {}
        assert not (site.home.path / HOME_WITNESSES).exists()
