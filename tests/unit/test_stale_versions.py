"""A changed contract: which versions it leaves behind, and that making them anew doubles nothing."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from home_samples import commit_without_spark

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.core.actors import Role
from lakehouse.core.contract import Contracts
from lakehouse.errors import NotAllowed
from lakehouse.pipeline import renewal
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.renewal import refine_stale
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import stale_versions
from lakehouse.pipeline.versions import require_version
from lakehouse.samples.source_folder import write_sample

SILVER = "silver.gait_people"
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home with ten people landed and refined."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    opened = open_home()
    write_sample(tmp_path / "source", people=10, seed=1)
    land(opened, "gait_people", [tmp_path / "source" / "gaitpdb" / "demographics.txt"])
    refine(opened, "gait_people")
    return opened


def under(site: Site, digest: str) -> Site:
    """Return the site with another contract of the silver table; everything else as it is."""
    changed = replace(site.contracts.by_table[SILVER], digest=digest)
    return replace(site, contracts=Contracts(by_table={**site.contracts.by_table, SILVER: changed}))


def test_only_what_the_contract_changed_is_made_anew_and_once(site: Site) -> None:
    assert stale_versions(site) == [] and refine_stale(site).silver == ()
    mended = under(site, "f" * 64)
    told = [own.as_json() for own in stale_versions(mended)]
    assert told == [{"table": SILVER, "version": 0, "because": "contract"}]
    made = {own.table: own for own in refine_stale(mended).silver}
    assert (made[SILVER].version, made[SILVER].repeated) == (1, False)
    size = mended.log.size()
    assert refine_stale(mended).stale == () and mended.log.size() == size
    assert fsck(mended, print).clean


def test_a_contract_that_goes_back_is_made_anew_too(site: Site) -> None:
    """The version of then has the right run key, and readers open another."""
    refine_stale(under(site, "f" * 64))
    again = {own.table: own for own in refine_stale(site).silver}
    assert (again[SILVER].version, again[SILVER].repeated) == (2, False)
    assert stale_versions(site) == []
    assert {own.version for own in refine(site, "gait_people") if own.table == SILVER} == {2}
    assert require_version(site, SILVER).version == 2


def test_a_check_that_reads_no_contract_would_be_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: with a blind check the change is not found and nothing is made anew."""
    monkeypatch.setattr(renewal, "stale_versions", lambda _site: [])
    assert refine_stale(under(site, "f" * 64)).silver == ()
    assert require_version(site, SILVER).version == 0


def test_only_who_may_refine_and_publish_may_renew(site: Site) -> None:
    analyst = replace(site, actor=replace(site.actor, roles=frozenset({Role.ANALYST})))
    with pytest.raises(NotAllowed):
        refine_stale(analyst)


def test_another_policy_leaves_versions_behind_too(site: Site) -> None:
    """The policy is in the key of a run: what was made under the earlier one is made anew, once."""
    other = replace(site, policy=replace(site.policy, digest="e" * 64))
    assert [(own.table, own.because) for own in stale_versions(other)] == [(SILVER, "policy")]
    assert [own.repeated for own in refine_stale(other).silver] == [False]
    assert stale_versions(other) == [] and refine_stale(other).silver == ()


def test_lint_names_what_a_changed_contract_would_make_stale(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is redone, from a copy of the contracts; without a home it lints only."""
    from lakehouse.cli.main import run

    folder = tmp_path / "expectations"
    shutil.copytree(PROJECT / "expectations", folder)

    def lint(home: Path) -> tuple[int, object]:
        code = run(["contracts", "lint", str(folder), "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)["stale"]

    size = site.log.size()
    assert lint(site.home.path) == (0, [])
    contract = folder / f"{SILVER.replace('.', '/')}.toml"
    contract.write_text(contract.read_text().replace("revision = 1", "revision = 2"))
    assert lint(site.home.path) == (0, [{"table": SILVER, "version": 0, "because": "contract"}])
    assert lint(tmp_path / "nowhere") == (0, None)
    run(["contracts", "lint", str(folder), "--home", str(site.home.path)])
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"{SILVER}@0 was made under an earlier contract",
        "to make them anew: livinglab refine --stale",
    ]
    assert site.log.size() == size


def test_lint_of_contracts_does_not_fail_over_a_home_that_cannot_be_opened(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contracts are right; what they make stale is not known, and why is said."""
    from lakehouse.cli.main import run

    (site.home.path / "home.json").write_text("{")
    assert run(["contracts", "lint", "--home", str(site.home.path), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["stale"] is None
    assert "what they make stale is not known: home.json cannot be parsed" in said.err
