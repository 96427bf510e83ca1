"""Releases on real Delta tables: who is in, what waits for a person, what a decision does."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from release_contracts import CONTRACTS

from lakehouse.adapters.release_people import finish_people
from lakehouse.adapters.release_rows import FinishedRows
from lakehouse.core.actors import Role
from lakehouse.core.bundle import parse_bundle
from lakehouse.core.consent_opening import check_consents
from lakehouse.core.release_rules import ReleaseRules
from lakehouse.errors import BudgetExhausted, ConsentRefused, NotAllowed, NotReady, Refused, WrongUse
from lakehouse.pipeline import publish_finish, publish_inputs
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.decide import decide
from lakehouse.pipeline.prove import open_leaf, prove
from lakehouse.pipeline.publish import publish
from lakehouse.pipeline.publish_records import current_release, list_releases
from lakehouse.pipeline.recompute import recompute
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
pytestmark = pytest.mark.spark


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a fresh home whose actor has every role, on 22 November 2026."""
    from lakehouse.sites import open_site

    monkeypatch.setenv("LIVINGLAB_KEYS", str(tmp_path / "keys"))
    shutil.copytree(EXPECTATIONS / "policies", tmp_path / "policies")
    site_file = tmp_path / "site.toml"
    site_file.write_text('name = "test"\nexpectations = "."\n', encoding="utf-8")
    opened = open_site(site_file, tmp_path / "home", create=True)
    yield replace(opened, contracts=CONTRACTS, clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))


def pseudonyms(site: Site, count: int) -> list[str]:
    names = [f"p{number}" for number in range(count)]
    known = site.vault.subjects_for("gaitpdb", names)
    return [known[name] for name in names]


def write_people(
    site: Site, count: int, *, note: str = "", rare: int = 0, ages: Sequence[int] = tuple(range(60, 70))
) -> None:
    """Write silver.people: ages in turn, two groups in turn; the last `rare` people have a third."""
    groups = ["case" if number % 2 else "control" for number in range(count - rare)] + ["rare"] * rare
    rows = pa.table(
        {
            "subject": pseudonyms(site, count),
            "age": pa.array([ages[number % len(ages)] for number in range(count)], pa.int64()),
            "group": groups,
            "speed": [1.0] * count,
            "note": [note] * count,
        }
    )
    write = TableWrite(table="silver.people", rows=rows, mode="overwrite", details={"checks": []})
    write_tables(site, verb="refine", run_key=f"people/{count}/{note}/{rare}/{ages}", writes=[write])


def deny(site: Site, count: int, batch: int = 0) -> None:
    """Land consent records: the first `count` people deny research."""
    rows = pa.table(
        {
            "subject": pseudonyms(site, count),
            "batch": pa.array([batch] * count, pa.int64()),
            "row": pa.array(range(count), pa.int64()),
            "decision": ["deny"] * count,
            "purposes": ['["research"]'] * count,
            "from": pa.array(["2026-01-01"] * count, pa.string()),
            "to": pa.array([None] * count, pa.string()),
        }
    )
    write = TableWrite(table="bronze.consents", rows=rows, mode="append")
    write_tables(site, verb="land", run_key=f"consents/{batch}/{count}", writes=[write])


def released_rows(site: Site, product: str) -> pa.Table:
    row = current_release(site, product)
    assert row is not None
    return site.lake.read(row["table_name"], row["version"])


def test_people_are_published_once_and_without_pseudonyms(site: Site) -> None:
    write_people(site, 20)
    first = publish(site, "people_open")
    size = site.log.size()
    again = publish(site, "gold.people_open")
    assert (first.state, first.rows, first.suppressed, first.k, first.l) == ("PUBLISHED", 20, 0, 20, 2)
    assert first.repeated is False and again.repeated is True
    assert {**again.as_json(), "repeated": False} == first.as_json()
    assert site.log.size() == size
    rows = released_rows(site, "people_open")
    assert rows.column_names == ["age_band", "group", "note"]
    assert set(rows["age_band"].to_pylist()) == {"60-69"}


def test_people_recoded_locally_are_published_and_measured_again(site: Site) -> None:
    """Eight in their forties, eight in their sixties, and four in their seventies, too few to stand alone."""
    write_people(site, 20, ages=(45, 45, 45, 45, 61, 61, 62, 62, 75, 75))
    made = publish(site, "people_boxed")
    assert (made.state, made.rows, made.suppressed) == ("PUBLISHED", 20, 0)
    rows = released_rows(site, "people_boxed")
    assert set(rows["age_band"].to_pylist()) == {"40-49", "60-79"}
    bundle = prove(site, "gold.people_boxed").bundle
    found = {
        one.name: one.ok for one in recompute(bundle, site.lake.folder_of("gold.people_boxed"), site.detector)
    }
    assert found["labels of age_band"] is True and False not in found.values()


def test_whoever_denied_is_not_in_the_product(site: Site) -> None:
    deny(site, 3)
    write_people(site, 20)
    assert publish(site, "people_open").rows == 17


def test_consents_are_part_of_the_run(site: Site) -> None:
    write_people(site, 20)
    first = publish(site, "people_open")
    deny(site, 6)
    second = publish(site, "people_open")
    assert not second.repeated and second.release != first.release
    assert (second.state, second.rows) == ("PUBLISHED", 14)


def test_a_release_that_singles_one_person_out_with_an_earlier_one_waits(site: Site) -> None:
    write_people(site, 20)
    first = publish(site, "people_open")
    write_people(site, 21)
    second = publish(site, "people_open")
    assert second.state == "SUBMITTED"
    assert second.reasons == (
        f"people singled out together with {first.release}: 1 (0 or at least 5 a cell)",
    )
    current = current_release(site, "people_open")
    assert current is not None and current["release_id"] == first.release


def test_personal_data_in_a_finished_table_waits(site: Site) -> None:
    write_people(site, 20, note="write to ada@example.org")
    result = publish(site, "people_open")
    assert (result.state, result.findings) == ("SUBMITTED", 1)
    assert "ada" not in str(result.as_json())


def test_a_table_that_no_grouping_makes_safe_is_refused_and_nothing_is_written(site: Site) -> None:
    write_people(site, 4)
    result = publish(site, "people_open")
    assert (result.state, result.version, result.rows, result.k) == ("REJECTED", None, 0, None)
    assert result.leaf == site.log.size() - 1
    assert publish(site, "people_open").repeated


def test_small_cells_are_tightened_once_and_then_wait_for_the_dpo(site: Site) -> None:
    write_people(site, 22, rare=2)
    submitted = publish(site, "conditions")
    assert (submitted.state, submitted.table, submitted.rows, submitted.suppressed) == (
        "SUBMITTED", "draft.conditions", 2, 1,
    )  # fmt: skip
    assert submitted.reasons == (
        "cells of fewer than 5 people, left out: 1 of 3 (a person decides about the rest)",
    )
    assert current_release(site, "conditions") is None
    approved = decide(site, submitted.release, "approve", "counts checked")
    assert (approved.state, approved.table, approved.repeated) == ("PUBLISHED", "gold.conditions", False)
    assert approved.content_digest == submitted.content_digest
    assert released_rows(site, "conditions").to_pylist() == [
        {"condition": name, "age_band": "40-79", "people": 10, "population": 20, "prevalence_percent": 50}
        for name in ("case", "control")
    ]


def test_the_second_door_finds_the_release_decided(site: Site) -> None:
    write_people(site, 22, rare=2)
    release = publish(site, "conditions").release
    decide(site, release, "approve", "counts checked")
    size = site.log.size()
    assert decide(site, release, "approve", "the other door").repeated
    with pytest.raises(Refused, match="is PUBLISHED"):
        decide(site, release, "reject", "too late")
    assert site.log.size() == size


def test_a_draft_is_not_published_once_somebody_in_it_denies(site: Site) -> None:
    write_people(site, 22, rare=2)
    release = publish(site, "conditions").release
    deny(site, 1)
    with pytest.raises(ConsentRefused, match="1 people"):
        decide(site, release, "approve", "counts checked")
    assert [found.state for found in list_releases(site)] == ["SUBMITTED"]


def test_a_draft_that_a_later_one_replaced_is_not_published(site: Site) -> None:
    write_people(site, 22, rare=2)
    old = publish(site, "conditions").release
    write_people(site, 28, rare=2)
    publish(site, "conditions")
    with pytest.raises(Refused, match="was replaced by"):
        decide(site, old, "approve", "counts checked")


def test_a_withdrawn_release_is_readable_by_nobody(site: Site) -> None:
    write_people(site, 20)
    release = publish(site, "people_open").release
    assert decide(site, release, "withdraw", "published in error").state == "WITHDRAWN"
    assert current_release(site, "people_open") is None
    assert publish(site, "people_open").state == "WITHDRAWN"


def test_only_the_dpo_decides_and_gives_a_reason(site: Site) -> None:
    write_people(site, 22, rare=2)
    release = publish(site, "conditions").release
    engineer = replace(site, actor=replace(site.actor, roles=frozenset({Role.ENGINEER})))
    with pytest.raises(NotAllowed):
        decide(engineer, release, "approve", "counts checked")
    with pytest.raises(WrongUse, match="reason"):
        decide(site, release, "approve", " ")


def test_a_product_without_input_is_not_ready(site: Site) -> None:
    with pytest.raises(NotReady, match=r"silver\.people has no version"):
        publish(site, "people_open")
    with pytest.raises(WrongUse, match="no product"):
        publish(site, "nothing")


def test_a_search_that_forgets_k_is_caught_by_measuring_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: with a broken search a class of two people would leave unseen."""

    def forgetful(
        rows: pa.Table, rules: ReleaseRules, released: Sequence[str], file: str
    ) -> FinishedRows | None:
        weak = replace(rules, targets=replace(rules.targets, k=1, l=1, t=Fraction(1)))
        return finish_people(rows, weak, released, file)

    monkeypatch.setattr(publish_finish, "finish_people", forgetful)
    write_people(site, 6, ages=[61, 62, 63, 64, 85, 86])
    result = publish(site, "people_open")
    assert (result.state, result.k) == ("SUBMITTED", 2)
    assert "k: 2 (at least 5)" in result.reasons


def test_a_filter_that_forgets_consent_would_be_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control of `test_whoever_denied_is_not_in_the_product`."""
    monkeypatch.setattr(publish_inputs, "use_people", lambda portions, people: portions)
    deny(site, 3)
    write_people(site, 20)
    assert publish(site, "people_open").rows == 20


def spent(site: Site) -> str:
    return budget_rows(site, "silver.people")[0].spent


def test_private_statistics_are_charged_once(site: Site) -> None:
    write_people(site, 20)
    result = publish(site, "cohorts")
    assert (result.state, result.rows, result.k, spent(site)) == ("PUBLISHED", 2, 8, "2.0")
    assert publish(site, "cohorts").repeated
    assert spent(site) == "2.0"
    rows = released_rows(site, "cohorts").to_pylist()
    assert [row["people"] for row in rows] == [10, 10]
    assert all(0 <= row["mean_speed"] <= 2 and row["mean_speed_accuracy95"] > 0 for row in rows)


def test_a_publish_that_no_longer_fits_the_budget_leaves_the_earlier_release(site: Site) -> None:
    for count in (20, 30):
        write_people(site, count)
        last = publish(site, "cohorts")
    write_people(site, 40)
    with pytest.raises(BudgetExhausted):
        publish(site, "cohorts")
    current = current_release(site, "cohorts")
    assert current is not None and current["release_id"] == last.release
    assert spent(site) == "4.0"


def test_a_failed_check_of_the_contract_refuses_the_release_before_anything_is_charged(site: Site) -> None:
    write_people(site, 60)
    result = publish(site, "cohorts")
    assert result.state == "REJECTED"
    assert result.reasons == ("checks of the contract that failed: 1 of 1 (none)",)
    assert spent(site) == "0.0"


def test_releases_of_each_kind_are_measured_again_from_their_tables(site: Site) -> None:
    """People, cohorts with private answers, and a draft that a person approved: all comes out as stated."""
    write_people(site, 22, rare=2)
    decide(site, publish(site, "conditions").release, "approve", "counts checked")
    write_people(site, 20)
    publish(site, "people_open")
    publish(site, "cohorts")
    for product in ("gold.conditions", "gold.people_open", "gold.cohorts"):
        bundle = prove(site, product).bundle
        found = recompute(bundle, site.lake.folder_of(product), site.detector)
        assert [one for one in found if one.ok is False] == [], product
        stated = {name: opened.value for name, opened in parse_bundle(bundle).statements.items()}
        assert stated["consents"]["permitted"] == 20
        assert stated["privacy"]["measured"]["k"] >= 5
    drawn = stated["privacy"]["private_statistics"][0]
    assert (drawn["column"], drawn["epsilon"], drawn["spent"], drawn["left"]) == (
        "mean_speed",
        "2.0",
        "2.0",
        "3.0",
    )


def test_a_release_shows_to_an_auditor_who_was_permitted_and_why(site: Site) -> None:
    deny(site, 3)
    write_people(site, 20)
    publish(site, "people_open")
    proof = prove(site, "gold.people_open")
    opening = open_leaf(site, proof.leaf)
    assert opening.consents is not None
    assert {one.pseudonym for one in opening.consents} == set(pseudonyms(site, 20)[3:])
    assert check_consents(parse_bundle(proof.bundle), opening.consents).startswith(
        "17 people permitted research"
    )
