"""A large table is refined a portion of people at a time: the rows, reasons and checks of the whole."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse.adapters import delta_tables, spooled_rows
from lakehouse.adapters.gx_validator import merge_results
from lakehouse.adapters.silver_rows import divided_files, refused_entries
from lakehouse.core.lineage import Version
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.silver_portion import SilverPortion, SilverSource
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version
from tests.bench.walk_rows import ROWS, WALKS, write_people, write_walks

WALKING, KNOWN = 5, 10
TABLE = "silver.gait_features"


@pytest.fixture
def site(open_home: Callable[..., Site], tmp_path: Path) -> Site:
    """Walks of five people: one stands under two of them, one is too short."""
    site = open_home()
    source = tmp_path / "source"
    land(site, "gait_people", [write_people(source, KNOWN * ROWS)])
    walks = list(islice(write_walks(source, KNOWN * ROWS), WALKING * WALKS))
    first, other, short = walks[0], walks[-1], walks[1]
    (source / other.name).write_bytes(first.read_bytes())
    short.write_bytes(b"".join(short.read_bytes().splitlines(keepends=True)[:300]))
    land(site, "gait_walks", walks)
    refine(site, "gait_people")
    return site


def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (delta_tables, spooled_rows):
        monkeypatch.setattr(module, "PORTION_ROWS", ROWS)


def input_versions(site: Site) -> Mapping[str, Version]:
    return {table: require_version(site, table) for table in site.contracts.require(TABLE).inputs()}


def made_of(portions: list[SilverPortion]) -> tuple[object, ...]:
    """Return all that portions say together, whatever their order."""
    rows = pa.concat_tables([portion.rows for portion in portions]).to_pylist()
    aside = [entry for portion in portions for entry in portion.set_aside]
    checks = merge_results([portion.validation for portion in portions]).checks
    received = sum(portion.received for portion in portions)
    return sorted(rows, key=str), sorted(aside, key=str), checks, received


@pytest.mark.spark
def test_portions_say_what_the_whole_says(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk under two people is seen although they stand in two portions; a broken look does not see it."""
    source = SilverSource(site, site.contracts.require(TABLE), input_versions(site))
    whole = list(source.portions())
    small_portions(monkeypatch)
    portions = list(source.portions())
    assert (len(whole), len(portions)) == (1, 5)
    assert made_of(portions) == made_of(whole)
    reasons = {entry.reason for portion in portions for entry in portion.set_aside}
    assert reasons == {"same_bytes_two_people", "too_few_strides"}
    monkeypatch.setattr(SilverSource, "_twofold", frozenset())
    source = SilverSource(site, source.contract, source.inputs)
    assert made_of(list(source.portions())) != made_of(whole)


@pytest.mark.spark
def test_a_version_made_in_portions_is_sound(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsck makes the content digest anew; nothing stays in the folder of work, a repeat makes nothing."""
    small_portions(monkeypatch)
    (made,) = (result for result in refine(site, "gait_walks") if result.table == TABLE)
    assert made.received == made.accepted + made.quarantined
    assert made.rows == WALKING * WALKS - 3
    assert all(result.repeated for result in refine(site, "gait_walks"))
    assert fsck(site, lambda _said: None).findings == ()
    assert list(site.lake.work.iterdir()) == []


def places(subjects: list[str]) -> pa.Table:
    count = len(subjects)
    columns = {"batch": [1] * count, "file": [1] * count, "row": list(range(count)), "subject": subjects}
    return pa.table(columns)


def test_a_file_of_which_only_a_part_is_refused_keeps_its_rows() -> None:
    """Both rows of a portion are refused, but a third of the same file stands elsewhere."""
    portion = places(["a", "a"])
    refused = [(0, "unlinked_person", None), (1, "unlinked_person", None)]
    divided = divided_files(portion, {(1, 1): 3})
    assert [entry.row for entry in refused_entries(portion, refused, divided=divided)] == [0, 1]
    assert [(entry.row, entry.rows) for entry in refused_entries(portion, refused)] == [(None, 2)]
