"""A small home with signed tables, written without Spark: for tests of proofs and fsck."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.adapters.delta_tables import DeltaLake, Mode
from lakehouse.pipeline.log_records import log_record
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from lakehouse.sites import open_site

GOLD = "gold.gait_by_cohort"
BRONZE = "bronze.gait_people"


def commit_without_spark(self: DeltaLake, table: str, staged: Path, *, mode: Mode, intent: str) -> None:
    """Take the place of Spark: commit staged rows with delta-rs."""
    del intent
    write_deltalake(self.folder_of(table), pq.read_table(staged), mode=mode)


def make_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site with two versions of a bronze table, one of a gold table, and a logged decision."""
    monkeypatch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    monkeypatch.setenv("LIVINGLAB_HOME", str(folder / "home"))
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    site = open_site(create=True)
    people = list(site.vault.subjects_for("gaitpdb", ["GaCo01", "GaPt02", "SiPt03"]).values())
    for batch in (1, 2):
        write_tables(site, verb="land", run_key=f"land {batch}", writes=[bronze_rows(people, batch)])
    write_tables(site, verb="publish", run_key="publish", writes=[gold_rows()], inputs=[0, 1])
    log_record(site, kind="decision", digests={}, details={"reason": "checked"}, ref="decision-1", inputs=[2])
    return site


def bronze_rows(people: list[str], batch: int) -> TableWrite:
    """Return one batch of rows of people, sealed values included."""
    rows = pa.table(
        {
            "subject": people,
            "batch": [batch] * len(people),
            "file": [0] * len(people),
            "row": list(range(len(people))),
            "person_id__sealed": [bytes([batch, number]) * 20 for number in range(len(people))],
        }
    )
    return TableWrite(table=BRONZE, rows=rows, mode="append")


def gold_rows() -> TableWrite:
    """Return a table of counts without people."""
    rows = pa.table({"age_band": ["40-59", "60-79"], "people": [10, 15]})
    return TableWrite(table=GOLD, rows=rows, mode="overwrite", by_subject=False)
