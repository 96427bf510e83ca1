"""Files are joined, and every proof of what they hold stays: on real Delta tables, through Spark."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake
from small_inputs import ANNA, BERT, CARL, write_people

from lakehouse.adapters.delta_log import newest_version, open_table
from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.adapters.person_rows import check_person_rows
from lakehouse.core.bundle import parse_bundle
from lakehouse.core.lineage import parse_record
from lakehouse.errors import Damaged, NotReady, NotVerified
from lakehouse.pipeline import optimise as optimising
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.optimise import optimise
from lakehouse.pipeline.person_receipt import prove_rows
from lakehouse.pipeline.recovery import recover
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import current_version, require_version

pytestmark = pytest.mark.spark
BRONZE = "bronze.gait_people"


class Killed(BaseException):
    """What stands for kill -9."""


@pytest.fixture
def site(open_home: Callable[..., Site], tmp_path: Path) -> Site:
    """A home into which two batches of people were landed: two files at least."""
    site = open_home()
    for number, people in enumerate([[ANNA, BERT], [CARL]]):
        land(site, "gait_people", [write_people(tmp_path / f"demographics-{number}.txt", people)])
    return site


def files_of(site: Site, table: str) -> int:
    version = require_version(site, table)
    return len(open_table(site.lake.folder_of(table), version.version).file_uris())


def test_a_receipt_made_before_holds_for_the_joined_version(site: Site, tmp_path: Path) -> None:
    before, files = prove_rows(site, BRONZE, "GaPt03", "gaitpdb")[0], files_of(site, BRONZE)
    silver = [found.as_json()["version"] for found in refine(site, "gait_people")]
    old = require_version(site, BRONZE)
    made = optimise(site, BRONZE)
    assert (made.repeated, made.version.version, made.version.kind) == (False, old.version + 1, "optimise")
    assert (made.version.content_digest, made.version.rows) == (old.content_digest, old.rows)
    assert files_of(site, BRONZE) < files
    record = parse_record(site.log.entry(made.version.leaf))
    assert (record.kind, record.inputs) == ("optimise", (old.leaf,))
    after = prove_rows(site, BRONZE, "GaPt03", "gaitpdb")[0]
    assert check_person_rows(parse_bundle(after.proof.bundle), before.rows)
    changed = before.rows.replace(b'"82.0"', b'"28.0"')
    assert changed != before.rows
    with pytest.raises(NotVerified):
        check_person_rows(parse_bundle(after.proof.bundle), changed)
    assert fsck(site, print).clean
    again = refine(site, "gait_people")
    assert (
        all(found.repeated for found in again) and [found.as_json()["version"] for found in again] == silver
    )
    assert optimise(site, BRONZE).repeated
    land(site, "gait_people", [write_people(tmp_path / "more.txt", [("GaCo08", *BERT[1:])])])
    assert require_version(site, BRONZE).rows == old.rows + 1
    assert fsck(site, print).clean


def test_a_joining_that_changes_a_row_is_never_signed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: the files are joined, and one row says something else."""
    version = require_version(site, BRONZE)

    def careless(self: DeltaLake, table: str) -> None:
        rows = self.read(table, version.version)
        place = rows.schema.get_field_index("row")
        write_deltalake(
            self.folder_of(table), rows.set_column(place, "row", pc.add(rows["row"], 1)), mode="overwrite"
        )

    monkeypatch.setattr(DeltaLake, "compact", careless)
    with pytest.raises(Damaged, match="does not hold the rows of version"):
        optimise(site, BRONZE)
    assert current_version(site, BRONZE) == version
    with pytest.raises(Damaged):
        recover(site)


def test_a_killed_joining_is_ended_at_the_next_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    version = require_version(site, BRONZE)

    def die(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(optimising, "finish_intent", die)
        optimise(site, BRONZE)
    assert newest_version(site.lake.folder_of(BRONZE)) == version.version + 1
    assert recover(site).finished == 1
    joined = require_version(site, BRONZE)
    assert (joined.kind, joined.content_digest) == ("optimise", version.content_digest)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(optimising, "commit_staged", die)
        optimise(site, BRONZE)
    assert recover(site).abandoned == 1
    assert require_version(site, BRONZE) == joined
    assert fsck(site, print).clean


def test_a_table_without_a_version_has_nothing_to_join(open_home: Callable[..., Site]) -> None:
    with pytest.raises(NotReady):
        optimise(open_home(), BRONZE)
