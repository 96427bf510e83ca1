"""What `livinglab report` and `status` find in the registry."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from report_facts import CONTRACTS, OPEN, PEOPLE, WALKS, site_facts

from lakehouse.adapters.site_file import read_site_file
from lakehouse.adapters.sql_registry import SqlRegistry
from lakehouse.adapters.sqlite_files import SqliteStore
from lakehouse.core.actors import DEFAULT_ACTORS, resolve_actor
from lakehouse.core.lineage import LineageRecord
from lakehouse.errors import NotAllowed, WrongUse
from lakehouse.pipeline.report import write_report
from lakehouse.pipeline.status import last_runs, unopened_status

RECORD = LineageRecord(
    kind="answer",
    digests={},
    policy_digest=site_facts().policy.digest,
    code_version="0.1.0",
    vault_counter=0,
    time="2026-11-22T10:00:00Z",
    details_commitment="0" * 64,
).public_bytes()


@pytest.fixture
def site(tmp_path):
    registry = SqlRegistry(SqliteStore(tmp_path / "registry.db", "the registry"), b"k" * 32)
    registry.create()
    draft = {**OPEN.row, "table_name": "draft.open", "kind": "draft"}
    with registry.transaction() as tx:
        for row in (WALKS.row, PEOPLE.row, draft):
            tx.add("versions", run_key="r", salt="", manifest=[], **{**row, "record": RECORD.decode()})
        tx.add(
            "releases",
            release_id="open-1",
            product="open",
            table_name="draft.open",
            state="SUBMITTED",
            version=0,
            k=4,
            content_digest=OPEN.row["content_digest"],
            reasons=["k 4 (at least 5)"],
            facts={"facts": []},
            created_at="2026-11-22T10:00:00Z",
        )
    head = SimpleNamespace(checkpoint_text=lambda: "note\n", size=lambda: 3, root=lambda: b"\x07" * 32)
    return SimpleNamespace(
        name="local",
        actor=resolve_actor(DEFAULT_ACTORS, "kim", "dpo", owner="kim"),
        registry=registry,
        vault=SimpleNamespace(cells_of=lambda _: {}),
        contracts=CONTRACTS,
        policy=site_facts().policy,
        models=SimpleNamespace(recipe_names=tuple),
        log=head,
        home=SimpleNamespace(origin="livinglab.local/00ff"),
        clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        code_version="0.1.0+abc",
    )


def test_a_report_is_two_private_files(site, tmp_path):
    report = write_report(site, "silver.people@0", tmp_path / "out")
    assert [file.name for file in report.files] == ["silver-people-0.html", "silver-people-0.jsonld"]
    assert {file.stat().st_mode & 0o777 for file in report.files} == {0o600}
    assert json.loads(report.files[1].read_text())["@graph"][0]["dct:title"] == "silver.people@0"


def test_a_product_that_was_never_published_shows_its_draft(site, tmp_path):
    report = write_report(site, "gold.open", tmp_path)
    assert report.files[0].name == "draft-open-0.html"
    assert "k 4 (at least 5)" in report.html


def test_ancestors_stand_in_the_report(site, tmp_path):
    assert "bronze.walks" in write_report(site, "draft.open", tmp_path).html


def test_a_run_is_found_by_its_name(site, tmp_path):
    report = write_report(site, "manual__1", tmp_path)
    assert report.files[0].name == "run-manual-1.html"
    assert "silver.people@0" in report.html


def test_the_whole_site_is_reported_without_a_target(site, tmp_path):
    assert "Waiting for a decision" in write_report(site, None, tmp_path).html


@pytest.mark.parametrize("target", ["silver.nothing", "silver.people@7", "gold.closed", "manual__2", "../x"])
def test_what_is_not_known_is_wrong_use(site, tmp_path, target):
    with pytest.raises(WrongUse):
        write_report(site, target, tmp_path)


def test_an_analyst_gets_no_report(site, tmp_path):
    site.actor = resolve_actor(DEFAULT_ACTORS, "kim", "analyst", owner="kim")
    with pytest.raises(NotAllowed):
        write_report(site, "silver.people", tmp_path)


def test_the_last_run_comes_first_with_all_it_wrote():
    rows = [
        {"table_name": table, "created_at": f"t{number}", "details": {"run": run}}
        for number, (table, run) in enumerate([("a", "one"), ("b", "two"), ("c", "one"), ("d", None)])
    ]
    assert last_runs(rows) == [
        {"run": "one", "time": "t2", "tables": ["a", "c"]},
        {"run": "two", "time": "t1", "tables": ["b"]},
    ]


def test_status_before_there_is_a_home_says_what_to_do(tmp_path):
    status = unopened_status(tmp_path / "none", read_site_file()).as_json()
    assert (status["initialised"], status["log"]) == (False, None)
    assert status["missing"][0]["remedy"] == "livinglab demo"
    assert not (tmp_path / "none").exists()
