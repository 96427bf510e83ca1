"""quarantine --retry: what a mended contract takes in, that nothing is doubled, and what stays outside."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from home_samples import commit_without_spark

from lakehouse.adapters.bronze_rows import PLACE_COLUMNS
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.core.actors import Role
from lakehouse.core.contract import Contracts, DatasetContract
from lakehouse.errors import NotAllowed, WrongUse
from lakehouse.pipeline import retry_rows
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.retry import retry_quarantine
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.stale import waiting_retries
from lakehouse.pipeline.versions import require_version

COLUMNS = "ID Study Group Subjnum Gender Age Height Weight HoehnYahr UPDRS UPDRSM TUAG"
SPEEDS = [f"Speed_{walk:02}" for walk in (*range(1, 8), 10)]
TABLE = "bronze.gait_people"
OLD, YOUNG, ODD = ("GaPt03", "82"), ("GaCo04", "68"), ("gapt05", "70")


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    return open_home()


def demographics(path: Path, *people: tuple[str, str], age: str = "Age") -> Path:
    header = [age if name == "Age" else name for name in [*COLUMNS.split(), *SPEEDS]]
    lines = [
        [person, "Ga", "1", person[-2:], "2", years, "1.45", "50", "3.0", "20", "10", "36.3", *["NaN"] * 8]
        for person, years in people
    ]
    path.write_text("\n".join("\t".join(line) for line in [header, *lines]) + "\n")
    return path


def under(site: Site, contract: DatasetContract) -> Site:
    return replace(site, contracts=Contracts(by_table={**site.contracts.by_table, contract.table: contract}))


def changed(site: Site, name: str, **values: object) -> Site:
    """Return the site with one column of the contract of people changed."""
    contract = site.contracts.by_table[TABLE]
    columns = tuple(replace(own, **values) if own.name == name else own for own in contract.columns)
    digest = f"{len(str(values)):064x}"
    return under(site, replace(contract, columns=columns, digest=digest))


def places(site: Site) -> list[tuple[int, ...]]:
    version = require_version(site, TABLE)
    rows = site.lake.read(TABLE, version.version, list(PLACE_COLUMNS)).to_pylist()
    return sorted(tuple(row[name] for name in PLACE_COLUMNS) for row in rows)


def strict(site: Site) -> Site:
    """Return the site under a contract that takes nobody older than 80."""
    return changed(site, "age", maximum=80.0)


def test_a_row_that_passes_now_stands_where_it_came_and_once(site: Site, tmp_path: Path) -> None:
    landed = land(strict(site), "gait_people", [demographics(tmp_path / "d.txt", OLD, YOUNG, ODD)])
    assert (landed.received, landed.accepted, landed.quarantined) == (3, 1, 2)
    assert [(own.dataset, own.rows) for own in waiting_retries(site)] == [("gait_people", 2)]
    first = retry_quarantine(site, "gait_people")
    assert waiting_retries(site) == []
    assert (first.tally.retried, first.tally.passed, first.tally.still, first.repeated) == (2, 1, 1, False)
    own = first.batches[0]
    assert (own.received, own.accepted, own.quarantined) == (3, 2, 1)
    assert own.reasons == {"id_not_canonical": 1}, "a refused identity stays"
    assert places(site) == [(1, 1, 1), (1, 1, 2)]
    size = site.log.size()
    again = retry_quarantine(site, "gait_people")
    assert again.repeated and again.tally.passed == 0 and site.log.size() == size
    assert all(result.repeated for result in again.silver)
    assert fsck(site, print).clean


def test_the_tables_are_as_if_the_contract_had_always_been_this_one(
    open_home: Callable[..., Site], site: Site, tmp_path: Path
) -> None:
    file = demographics(tmp_path / "d.txt", OLD, YOUNG)
    land(strict(site), "gait_people", [file])
    retried = {own.table: own for own in retry_quarantine(site, "gait_people").silver}
    other = open_home("other")
    land(other, "gait_people", [file])
    fresh = {own.table: own for own in retry_quarantine(other, "gait_people").silver}
    assert places(site) == places(other)
    names = ("rows", "received", "accepted", "reasons")
    for table, own in fresh.items():
        assert [getattr(retried[table], name) for name in names] == [getattr(own, name) for name in names]


def test_a_file_set_aside_whole_becomes_its_rows(site: Site, tmp_path: Path) -> None:
    """Its header names a column anew: one received, one set aside, until the contract knows the name."""
    file = demographics(tmp_path / "d.txt", OLD, YOUNG, ODD, age="Years")
    assert land(site, "gait_people", [file]).reasons == {"column_gone": 1}
    mended = changed(site, "age", source="Years")
    retry = retry_quarantine(mended, "gait_people")
    assert (retry.tally.retried, retry.tally.passed, retry.tally.still) == (3, 2, 1)
    own = retry.batches[0]
    assert (own.received, own.accepted, own.quarantined) == (3, 2, 1)
    left = [row for row in quarantined_rows(mended, "gait_people") if row["table"] == TABLE]
    assert [(row["row"], row["reason"]) for row in left] == [(3, "id_not_canonical")]
    assert retry_quarantine(mended, "gait_people").repeated


def test_duplicates_stay(site: Site, tmp_path: Path) -> None:
    file = demographics(tmp_path / "d.txt", YOUNG, YOUNG)
    assert land(site, "gait_people", [file]).reasons == {"duplicate_row": 1}
    assert retry_quarantine(site, "gait_people").tally.retried == 0
    assert places(site) == [(1, 1, 1)]


def test_without_the_rule_on_duplicates_a_row_would_double(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: read alone, the second line is as good as the first."""
    land(site, "gait_people", [demographics(tmp_path / "d.txt", YOUNG, YOUNG)])
    monkeypatch.setattr("lakehouse.pipeline.retry.SETTLED", frozenset())
    assert retry_quarantine(site, "gait_people").tally.passed == 1
    assert places(site) == [(1, 1, 1), (1, 1, 2)]


def test_only_the_batch_and_the_reason_asked_for(site: Site, tmp_path: Path) -> None:
    for name, people in (("a.txt", [OLD, ODD]), ("b.txt", [("JuPt07", "81")])):
        land(strict(site), "gait_people", [demographics(tmp_path / name, YOUNG, *people)])
    odd = retry_quarantine(site, "gait_people", reason="id_not_canonical").tally
    assert (odd.retried, odd.still) == (1, 1)
    second = retry_quarantine(site, "gait_people", batch=2)
    assert [own.batch for own in second.batches] == [2] and second.tally.passed == 1
    assert retry_quarantine(site, "gait_people").batches[0].batch == 1


def test_a_batch_or_reason_that_never_was_is_wrong_use_that_says_what_there_is(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(WrongUse, match="no batch 1") as nothing:
        retry_quarantine(site, "gait_people", batch=1)
    assert nothing.value.remedy == "nothing of it has landed yet"
    land(strict(site), "gait_people", [demographics(tmp_path / "a.txt", OLD, YOUNG)])
    land(site, "gait_people", [demographics(tmp_path / "b.txt", ODD, ("JuCo11", "61"), ("JuCo11", "61"))])
    with pytest.raises(WrongUse, match="no batch 7") as batch:
        retry_quarantine(site, "gait_people", batch=7)
    assert batch.value.remedy == "there are: 1, 2" and batch.value.facts["batches"] == [1, 2]
    with pytest.raises(WrongUse) as reason:
        retry_quarantine(site, "gait_people", reason="GaPt03 is 82")
    assert reason.value.facts["reasons"] == ["id_not_canonical", "out_of_range"]
    assert "GaPt03" not in f"{reason.value.as_json()}"
    with pytest.raises(WrongUse, match="for that reason"):
        retry_quarantine(site, "gait_people", batch=2, reason="out_of_range")
    with pytest.raises(WrongUse, match="no contract mends them"):
        retry_quarantine(site, "gait_people", reason="duplicate_row")


def test_what_a_retry_took_in_may_be_asked_for_again(site: Site, tmp_path: Path) -> None:
    """A task that is cleared asks the same: its reason has left the quarantine, and that is no mistake."""
    land(strict(site), "gait_people", [demographics(tmp_path / "a.txt", OLD, YOUNG)])
    assert retry_quarantine(site, "gait_people", batch=1, reason="out_of_range").tally.passed == 1
    assert retry_quarantine(site, "gait_people", batch=1, reason="out_of_range").repeated


def test_a_row_whose_key_is_destroyed_is_counted_as_gone(site: Site, tmp_path: Path) -> None:
    land(site, "gait_people", [demographics(tmp_path / "d.txt", YOUNG, ODD)])
    site.vault.destroy_batch_key(f"{TABLE}__quarantine/1")
    tally = retry_quarantine(site, "gait_people").tally
    assert (tally.retried, tally.passed, tally.still, tally.gone) == (1, 0, 0, 1)


def test_a_retry_killed_between_its_two_tables_is_ended_by_the_replay(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(strict(site), "gait_people", [demographics(tmp_path / "d.txt", OLD, YOUNG)])

    class Killed(BaseException):
        pass

    def half(self: DeltaLake, table: str, staged: Path, *, mode: str, intent: str) -> None:
        if table.endswith("__quarantine"):
            raise Killed
        commit_without_spark(self, table, staged, mode=mode, intent=intent)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(DeltaLake, "commit", half)
        with pytest.raises(Killed):
            retry_quarantine(site, "gait_people")
    recover(site)
    assert places(site) == [(1, 1, 1), (1, 1, 2)] and quarantined_rows(site, "gait_people") == []
    with site.registry.reading() as tx:
        row = tx.one("batches", dataset="gait_people", batch=1)
    assert row is not None
    assert (row["received"], row["accepted"], row["quarantined"]) == (2, 2, 0)
    assert retry_quarantine(site, "gait_people").repeated and fsck(site, print).clean


def test_a_row_that_would_be_another_person_s_now_does_not_pass(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was sealed under one person's key: whatever a reader makes of it, it never becomes another's."""
    land(site, "gait_people", [demographics(tmp_path / "known.txt", (OLD[0], "79"))])
    land(strict(site), "gait_people", [demographics(tmp_path / "d.txt", OLD, YOUNG)])
    read = retry_rows.read_again

    def another(*args, **kwargs):  # type: ignore[no-untyped-def]
        found = read(*args, **kwargs)
        place = found[0].rows.column_names.index("person_id")
        return [replace(found[0], rows=found[0].rows.set_column(place, "person_id", [["GaCo04"]]))]

    monkeypatch.setattr(retry_rows, "read_again", another)
    assert retry_quarantine(site, "gait_people").tally.passed == 0
    monkeypatch.setattr(retry_rows, "_not_theirs", lambda *_: set())
    assert retry_quarantine(site, "gait_people").tally.passed == 1, "the broken variant lets it through"


def test_only_who_may_land_may_retry(site: Site) -> None:
    analyst = replace(site, actor=replace(site.actor, roles=frozenset({Role.ANALYST})))
    with pytest.raises(NotAllowed):
        retry_quarantine(analyst, "gait_people")
    assert retry_quarantine(site, "gait_people").repeated, "nothing has landed: nothing to do"
