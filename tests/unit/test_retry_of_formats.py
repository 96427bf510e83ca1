"""quarantine --retry of FHIR resources and walks: whose they are stays known, and nothing stands twice."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from home_samples import commit_without_spark

from lakehouse.adapters.delta_tables import DeltaLake
from lakehouse.core.contract import Contracts, DatasetContract
from lakehouse.pipeline import retry
from lakehouse.pipeline.land import land
from lakehouse.pipeline.retry import retry_quarantine
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.versions import require_version

Resource = Mapping[str, object]
UUID = "urn:uuid:8c1f2a52-0000-4000-8000-000000000001"
HOSPITAL = {"system": "http://hospital.example.org", "value": "MRN-77"}
ADA = {"resourceType": "Patient", "id": "ada-1", "identifier": [HOSPITAL]}
BEA = {"resourceType": "Patient", "id": "bea-2"}
PROCEDURES = ("Patient", "Condition", "Observation", "Encounter", "Procedure")


@pytest.fixture
def site(open_home: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home whose silver is not made: these examples are about bronze."""
    monkeypatch.setattr(DeltaLake, "commit", commit_without_spark)
    monkeypatch.setattr(retry, "refine", lambda *_: [])
    return open_home()


def procedure(number: int, reference: str, **further: object) -> Resource:
    own = {"resourceType": "Procedure", "id": f"p{number}", "status": "completed"}
    return {**own, "subject": {"reference": reference}, "code": {"text": "Suture"}, **further}


def bundle(path: Path, *entries: Resource | tuple[str, Resource]) -> Path:
    listed = [
        {"fullUrl": entry[0], "resource": entry[1]} if isinstance(entry, tuple) else {"resource": entry}
        for entry in entries
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": listed}))
    return path


def mended(site: Site, name: str, **values: object) -> Site:
    """Return the site under a contract with other values, and a column `changes` with others."""
    contract = site.contracts.bronze(name)
    changes: dict[str, dict[str, object]] = values.pop("columns", {})  # type: ignore[assignment]
    columns = tuple(replace(own, **changes.get(own.name, {})) for own in contract.columns)
    new: DatasetContract = replace(contract, columns=columns, digest="f" * 64, **values)
    return replace(site, contracts=Contracts(by_table={**site.contracts.by_table, new.table: new}))


def with_procedures(site: Site) -> Site:
    """Return the site under a contract that reads a further kind of resource."""
    options = {**site.contracts.bronze("ehr").format_options, "resource_types": list(PROCEDURES)}
    return mended(
        site, "ehr", format_options=options, columns={"resource_type": {"allowed": PROCEDURES}}, checks=()
    )


def rows_of(site: Site, table: str) -> pa.Table:
    return site.lake.read(table, require_version(site, table).version)


def people_by_row(site: Site) -> dict[int, str]:
    rows = rows_of(site, "bronze.ehr")
    return dict(zip(rows["row"].to_pylist(), rows["subject"].to_pylist(), strict=True))


def test_a_kind_of_resource_that_is_read_now_goes_to_its_person(site: Site, tmp_path: Path) -> None:
    """However it names its patient: by id, by the URL of the entry, by an identifier of a contained one."""
    contained = {"resourceType": "Patient", "id": "me", "identifier": [HOSPITAL]}
    file = bundle(
        tmp_path / "a.json",
        (UUID, ADA),
        BEA,
        procedure(1, "Patient/ada-1"),
        procedure(2, UUID),
        procedure(3, "#me", contained=[contained]),
        procedure(4, "Patient/bea-2"),
        procedure(5, f"{UUID}/_history/2"),
    )
    assert land(site, "ehr", [file]).reasons == {"not_in_contract": 5}
    tally = retry_quarantine(with_procedures(site), "ehr").tally
    people = people_by_row(site)
    assert (tally.passed, tally.still) == (5, 0)
    assert people[3] == people[4] == people[5] == people[7] == people[1]
    assert people[6] == people[2] != people[1]
    assert quarantined_rows(site, "ehr") == []


def test_what_a_person_never_was_named_of_stays(site: Site, tmp_path: Path) -> None:
    """Nobody of the file is meant, then or now."""
    file = bundle(tmp_path / "a.json", (UUID, ADA), procedure(1, "Patient/nobody"), procedure(2, "#gone"))
    land(site, "ehr", [file])
    assert retry_quarantine(with_procedures(site), "ehr").tally.still == 2
    assert set(people_by_row(site)) == {1}


def test_a_patient_refused_once_comes_with_all_that_is_about_them(site: Site, tmp_path: Path) -> None:
    """An id that the contract did not allow: patient and records pass together when it does."""
    strict = mended(site, "ehr", columns={"person_id": {"id_pattern": "[a-z]+-1"}})
    file = bundle(tmp_path / "a.json", ADA, ("urn:uuid:77", BEA), procedure(1, "urn:uuid:77"))
    assert land(with_procedures(strict), "ehr", [file]).reasons == {"id_not_canonical": 2}
    retried = retry_quarantine(with_procedures(site), "ehr")
    people = people_by_row(site)
    assert retried.tally.passed == 2
    assert people[2] == people[3] != people[1]


def test_what_only_looks_like_an_entry_with_a_url_is_no_resource_then_or_now(
    site: Site, tmp_path: Path
) -> None:
    """A file may hold what we seal beside a Patient: it stays what it was, no resource."""
    look_alike = {"fullUrl": UUID, "resource": BEA}
    (tmp_path / "lines.ndjson").write_text(f"{json.dumps(ADA)}\n{json.dumps(look_alike)}\n")
    files = [bundle(tmp_path / "a.json", ADA, look_alike), tmp_path / "lines.ndjson"]
    assert land(site, "ehr", files).reasons == {"invalid_resource": 2}
    assert retry_quarantine(site, "ehr").tally.passed == 0


def test_a_resource_that_stands_in_its_file_already_does_not_pass(site: Site, tmp_path: Path) -> None:
    """Two with one id: had the contract been this one, the second would be a duplicate."""
    strict = mended(site, "ehr", columns={"person_id": {"id_pattern": "[a-z]+-1"}})
    entries = (ADA, BEA, procedure(1, "Patient/ada-1"), procedure(1, "Patient/bea-2"))
    assert land(with_procedures(strict), "ehr", [bundle(tmp_path / "a.json", *entries)]).quarantined == 2
    assert retry_quarantine(with_procedures(site), "ehr").tally.passed == 1
    assert set(people_by_row(site)) == {1, 2, 3}


def sample(time: float, force: float = 1.5) -> str:
    return "\t".join([f"{time:.2f}", *[str(force)] * 18])


def walk(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def strong(site: Site) -> Site:
    """Return the site under a contract that takes greater forces under one sensor."""
    return mended(site, "gait_walks", columns={"l1": {"maximum": 9000.0}})


def places(site: Site) -> list[tuple[int, int, int]]:
    rows = rows_of(site, "bronze.gait_walks")
    return sorted(zip(*(rows[name].to_pylist() for name in ("file", "row", "sample")), strict=True))


def test_samples_of_a_walk_come_back_between_their_neighbours(site: Site, tmp_path: Path) -> None:
    high = sample(0.01).split("\t")
    high[1] = "7000"
    file = walk(tmp_path / "GaPt03_01.txt", sample(0.0), "\t".join(high), sample(0.02), "")
    assert land(site, "gait_walks", [file]).reasons == {"out_of_range": 1, "empty_line": 1}
    tally = retry_quarantine(strong(site), "gait_walks").tally
    assert (tally.passed, tally.still) == (1, 1)
    assert places(site) == [(1, 1, 0), (1, 2, 1), (1, 3, 2)]
    assert retry_quarantine(strong(site), "gait_walks").repeated


def test_a_walk_whose_name_is_allowed_now_is_that_person_s(site: Site, tmp_path: Path) -> None:
    pattern = "(Ga|Ju|Si|Xy)(Co|Pt)([0-9]{2}|[1-9][0-9]{2})"
    names = ("GaPt03_01.txt", "XyPt04_01.txt", "XyPt04_02.txt")
    files = [walk(tmp_path / name, sample(0.0), sample(0.01, number)) for number, name in enumerate(names)]
    assert land(site, "gait_walks", files).reasons == {"id_not_canonical": 2}
    wider = mended(site, "gait_walks", columns={"person_id": {"id_pattern": pattern}})
    retried = retry_quarantine(wider, "gait_walks")
    own = retried.batches[0]
    assert (own.received, own.accepted, own.quarantined) == (6, 6, 0)
    rows = rows_of(site, "bronze.gait_walks")
    people = dict(zip(rows["file"].to_pylist(), rows["subject"].to_pylist(), strict=True))
    assert people[2] == people[3] != people[1]
    assert set(rows["study"].to_pylist()) == {"Ga", "Xy"}
