"""A small home with signed tables, written without Spark: for tests of proofs and fsck."""

import atexit
import shutil
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from lakehouse.adapters.delta_tables import DeltaLake, Mode
from lakehouse.adapters.model_store import MODEL_FILES
from lakehouse.core.canonical import digest_json
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.model_registry import model_store
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from lakehouse.sites import open_site

GOLD = "gold.gait_by_cohort"
BRONZE = "bronze.gait_people"
TYPED_RUN = "source_gait_people/manual for GaPt03 (Anna Muster)"
"""A run in whose name somebody typed a person."""


def commit_without_spark(self: DeltaLake, table: str, staged: Path, *, mode: Mode, intent: str) -> None:
    """Take the place of Spark: commit staged rows with delta-rs."""
    del intent
    write_deltalake(self.folder_of(table), pq.read_table(staged), mode=mode)


def make_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site with two bronze versions, one gold version, and a row of every other kind.

    It is a copy of one home of this process: all of them have its origin, its keys and its people.
    """
    shutil.copytree(_first_home(), folder, dirs_exist_ok=True)
    use_home(folder, monkeypatch)
    return open_site()


def use_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is opened from now on be the home under a folder; it is written to without Spark."""
    monkeypatch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
    monkeypatch.setenv("LIVINGLAB_HOME", str(folder / "home"))
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)


@cache
def _first_home() -> Path:
    """Write the home that is copied; its databases are whole without their write-ahead logs."""
    folder = Path(mkdtemp(prefix="livinglab-first-home-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        use_home(folder, patch)
        _write_home(open_site(create=True))
    for database in (folder / "home").glob("*.db"):
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def _write_home(site: Site) -> None:
    people = list(site.vault.subjects_for("gaitpdb", ["GaCo01", "GaPt02", "SiPt03"]).values())
    for batch in (1, 2):
        write_tables(site, verb="land", run_key=f"land {batch}", writes=[bronze_rows(people, batch)])
    write_tables(
        site,
        verb="publish",
        run_key="publish",
        writes=[gold_rows()],
        inputs=[0, 1],
        rows={
            "releases": [
                {"release_id": "release-1", "version": None, "leaf_index": None, "content_digest": None}
            ]
        },
    )
    log_statements(site)


def log_statements(site: Site) -> None:
    """Log a decision, an answer and a model, with a row in each table of registry.db."""
    told = {"release": "release-1", "decision": "approve", "reason": "checked"}
    row = {"decision_id": "decision-1", "release_id": "release-1", "decision": "approve", "reason": "checked"}
    log(site, "decision", {}, told, "decisions", row)
    digests = {"question": "1" * 64, "answer": digest_json({"mean": "1.1"})}
    row = {"question_digest": "1" * 64, "answer": {"mean": "1.1"}, "receipt": "answer-1", "question": {}}
    log(site, "answer", digests, {}, "answers", row)
    model = model_store(site).save("pd_screen", {name: name.encode() for name in MODEL_FILES}, {})
    log(site, "model", {"model": model}, {}, "models", {"name": "pd_screen", "digest": model})
    with site.registry.transaction() as tx:
        tx.add("charges", charge_id="1", population="gait", micro_epsilon=500_000)
        tx.add("batches", dataset="gait_people", batch=1, received=3)
        tx.add("cosignatures", size=1, witness="w1+00000000", line="— w1 AAAAAAAAAA==")
        tx.add("time_stamps", size=1, authority="authority", token="token")
        tx.add("batch_files", dataset="gait_people", source_digest="3" * 64, batch=1, file=0)
        tx.add("missed_deadlines", dag="gait_people", run="4" * 64, created_at="2026-11-20T10:00:00Z")
        tx.add("restores", restore_id="5" * 32, backup="6" * 64, size=6, state="checked")


def log(
    site: Site,
    kind: str,
    digests: dict[str, str],
    details: dict[str, str],
    table: str,
    row: dict[str, object],
) -> None:
    """Log one record together with its row of the registry."""
    rows = {table: [{**row, "leaf_index": None}]}
    log_record(
        site, draft_record(site, kind=kind, digests=digests, details=details, ref=f"{kind}-1"), rows=rows
    )


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
    stated = {"privacy": {"schema": "livinglab/privacy/v1", "of": "release"}}
    return TableWrite(table=GOLD, rows=rows, mode="overwrite", by_subject=False, statements=stated)
