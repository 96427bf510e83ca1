"""quarantine --retry on real Delta: records and walks come in, silver follows, nothing stands twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import deltalake
import pytest

from lakehouse.core.contract import Contracts
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.refine import refine
from lakehouse.pipeline.retry import Retry, retry_quarantine
from lakehouse.pipeline.site import Site

pytestmark = pytest.mark.spark

URL = "urn:uuid:8c1f2a52-0000-4000-8000-000000000002"


def under(site: Site, dataset: str, **columns: dict[str, object]) -> Site:
    """Return the site under a contract of a data set with other values in its columns."""
    own = site.contracts.bronze(dataset)
    changed = tuple(replace(one, **columns.get(one.name, {})) for one in own.columns)
    new = replace(own, columns=changed, digest="f" * 64)
    return replace(site, contracts=Contracts(by_table={**site.contracts.by_table, own.table: new}))


def records(path: Path) -> Path:
    """Write two patients with a condition each; the second is named by the URL of their entry."""
    condition = {"resourceType": "Condition", "code": {"coding": [{"system": "s", "code": "c"}]}}
    entries = [
        {"resource": {"resourceType": "Patient", "id": "ada-1", "birthDate": "1950-01-02"}},
        {"fullUrl": URL, "resource": {"resourceType": "Patient", "id": "bea-2", "birthDate": "1951-01-02"}},
        {"resource": {**condition, "id": "c1", "subject": {"reference": "Patient/ada-1"}}},
        {"resource": {**condition, "id": "c2", "subject": {"reference": URL}}},
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return path


def counts(retry: Retry) -> tuple[int, int, int]:
    own = retry.batches[0]
    return own.received, own.accepted, own.quarantined


def test_health_records_of_a_person_refused_once_reach_silver(
    open_home: Callable[..., Site], tmp_path: Path
) -> None:
    """The contract knew ids that end with 1 alone; a repeat gives the versions there are."""
    site = open_home()
    strict = under(site, "ehr", person_id={"id_pattern": "[a-z]+-1"})
    assert land(strict, "ehr", [records(tmp_path / "a.json")]).reasons == {"id_not_canonical": 2}
    refine(strict, "ehr")
    retry = retry_quarantine(site, "ehr", reason="id_not_canonical")
    assert (retry.tally.passed, counts(retry)) == (2, (4, 4, 0))
    assert {own.table: own.rows for own in retry.silver} == {
        "silver.conditions": 2,
        "silver.encounters": 0,
        "silver.observations": 0,
        "silver.patients": 2,
    }
    size = site.log.size()
    again = retry_quarantine(site, "ehr", reason="id_not_canonical")
    assert again.repeated and all(own.repeated for own in again.silver) and site.log.size() == size
    assert fsck(site, print).clean


def test_a_walk_is_whole_again(open_home: Callable[..., Site], tmp_path: Path) -> None:
    """Samples above a limit, and a walk of a study that the contract did not know."""
    site = open_home()
    lines = [
        "\t".join([f"{number / 100:.2f}", *["7000" if number == 3 else "1.5"] * 18]) for number in range(8)
    ]
    for name in ("GaPt03_01.txt", "XyPt04_01.txt"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    landed = land(site, "gait_walks", [tmp_path / name for name in ("GaPt03_01.txt", "XyPt04_01.txt")])
    assert landed.reasons == {"out_of_range": 1, "id_not_canonical": 1}
    sensors = [one.name for one in site.contracts.bronze("gait_walks").columns if one.unit == "N"]
    wider = under(
        site,
        "gait_walks",
        person_id={"id_pattern": "(Ga|Ju|Si|Xy)(Co|Pt)([0-9]{2}|[1-9][0-9]{2})"},
        **{name: {"maximum": 9000.0} for name in sensors},
    )
    retry = retry_quarantine(wider, "gait_walks")
    assert (retry.tally.passed, counts(retry)) == (9, (16, 16, 0))
    rows = deltalake.DeltaTable(site.lake.folder_of("bronze.gait_walks")).to_pyarrow_table()
    assert sorted(rows.column("sample").to_pylist()) == sorted([*range(8)] * 2)
    assert rows.column("time_s").to_pylist().count(0.03) == 2
    assert retry_quarantine(wider, "gait_walks").repeated and fsck(site, print).clean
