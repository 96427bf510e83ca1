"""Bad input of every format: set aside with a reason, counted to the last row, never a value in a message."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_inputs import ANNA, BERT, HEADER

from lakehouse.errors import LivingLabError
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.land import land
from lakehouse.pipeline.set_aside import quarantined_rows
from lakehouse.pipeline.site import Site

pytestmark = pytest.mark.spark

SECRET = "Grumblethwaite"
BINARY = bytes(range(256)) * 8


def walk(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def sample(first: str = "0.00", *, fields: int = 19) -> str:
    return "\t".join([first, *["1.5"] * (fields - 1)])


def people(*rows: tuple[str, ...]) -> bytes:
    return walk(*("\t".join([*row, *["NaN"] * (len(HEADER) - len(row))]) for row in (tuple(HEADER), *rows)))


def note(**changes: object) -> bytes:
    own = {
        "note_id": "n1", "person_id": "C-0001", "written_at": "2024-01-02T03:04:05Z", "author": SECRET,
        "language": "en", "text": f"{SECRET} came.",
    }  # fmt: skip
    return json.dumps({**own, **changes}).encode() + b"\n"


def bundle(*resources: Mapping[str, object]) -> bytes:
    patient = {"resourceType": "Patient", "id": "p1", "name": [{"family": SECRET}]}
    entries = [{"resource": own} for own in (patient, *resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def condition(reference: str, **changes: object) -> dict[str, object]:
    own = {"resourceType": "Condition", "id": f"c{len(reference)}", "subject": {"reference": reference}}
    return {**own, "code": {"text": SECRET}, **changes}


WALKS = {
    "GaPt03_01.txt": walk(sample(), sample("0.01")),
    "GaPt04_01.txt": walk(f"{SECRET}\t1\t2"),
    "GaPt05_01.txt": walk(sample(), sample(SECRET), sample("NaN"), sample("-inf"), "", sample(fields=20)),
    "GaPt06_01.txt": walk(sample(), sample("0.01"))[:-9],
    "GaPt07_01.txt": BINARY,
    "GaPt08_01.txt": b"",
    "GaPt09_01.txt": walk(sample(), sample("0.01")),
    "gapt10_01.txt": walk(sample()),
    "GaPt11 _01.txt": walk(sample()),
    "G\u0430Pt12_01.txt": walk(sample()),
    "GaPt13_01.txt": walk(sample()).decode().encode("utf-16"),
    "GaPt14_01.txt": b"1\t" * 3_000_000,
}
PEOPLE = {
    "demographics.txt": people(
        ANNA, ANNA, BERT, (f"{SECRET}",), ("GaPt03 ", *ANNA[1:]), ("gapt03", *ANNA[1:]),
        ("G\u0430Pt03", *ANNA[1:]), ("GaPt21", *ANNA[1:5], SECRET, *ANNA[6:]),
        ("GaPt22", *ANNA[1:5], "inf", *ANNA[6:]), ("GaPt23", *ANNA[1:5], "-1e400", *ANNA[6:]),
    ),
}  # fmt: skip
NOTES = {
    "a.jsonl": note()
    + note(note_id="n2", person_id=None)
    + note(note_id="n3", person_id=f"C 0001 {SECRET}")
    + note(note_id="n4", written_at=SECRET)
    + note(note_id="n5", language=SECRET)
    + note(note_id="n6", person_id="\u0421-0001")
    + note()
    + note(note_id="n7", text="x" * 5_000_000)
    + b"[1, 2]\n"
    + f'{{"note_id": "{SECRET}'.encode(),
    "b.jsonl": b"\xff\xfe" + SECRET.encode("utf-16-le"),
    "c.jsonl": b"",
    "d.jsonl": note(note_id="n8", author="M\u00fcller").decode().encode("latin-1").replace(b"u00fc", b"\xfc"),
}
RECORDS = {
    "a.json": bundle(
        condition("urn:uuid:nobody"), condition("Patient/p1"), condition("Patient/p1"),
        {"resourceType": "Procedure", "id": "x", "note": SECRET}, {"resourceType": "Condition", "id": SECRET},
    ),
    "b.json": bundle()[:-30],
    "c.json": BINARY,
    "d.json": b"[]",
    "e.json": b"",
    "f.json": bundle().decode().encode("utf-16"),
    "g.json": b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000,
}  # fmt: skip
CASES = {
    "gait_walks": (WALKS, {
        "wrong_column_count", "not_a_number", "not_finite", "empty_line", "unreadable_file",
        "id_not_canonical", "bad_encoding",
    }),
    "gait_people": (
        PEOPLE,
        {"duplicate_row", "id_not_canonical", "not_a_number", "not_finite"},
    ),
    "clinic_notes": (NOTES, {
        "no_person", "id_not_canonical", "not_a_date", "invalid_json", "duplicate_row", "bad_encoding",
    }),
    "ehr": (RECORDS, {
        "broken_reference", "not_in_contract", "unreadable_file", "invalid_resource", "duplicate_row",
    }),
}  # fmt: skip


@pytest.mark.parametrize("dataset", CASES)
def test_bad_rows_are_set_aside_and_the_rest_goes_on(
    dataset: str, open_home: Callable[..., Site], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files, reasons = CASES[dataset]
    folder = tmp_path / "input"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    site = open_home()
    result = land(site, dataset, [folder])
    assert result.accepted + result.quarantined == result.received
    assert result.accepted >= 1
    assert sum(result.reasons.values()) == result.quarantined
    assert set(result.reasons) >= reasons
    rows = quarantined_rows(site, dataset)
    said = capfd.readouterr()
    assert SECRET.lower() not in f"{rows} {said.out} {said.err}".lower()
    assert land(site, dataset, [folder]).repeated
    assert fsck(site, lambda _said: None).clean


@pytest.mark.parametrize("dataset", CASES)
def test_a_batch_of_nothing_but_bad_files_is_a_batch(
    dataset: str, open_home: Callable[..., Site], tmp_path: Path
) -> None:
    """Every file binary: the data set has a version without rows, and each file is one row set aside."""
    names = {"gait_walks": "GaPt{}_01.txt", "gait_people": "demographics.txt", "ehr": "{}.json"}
    for number in (31, 32):
        name = names.get(dataset, "{}.jsonl").format(number)
        (tmp_path / name).write_bytes(BINARY + name.encode())
    site = open_home()
    result = land(site, dataset, sorted(tmp_path.glob("*.*")))
    assert (result.accepted, result.rows) == (0, 0)
    assert result.quarantined == result.received >= 1
    assert fsck(site, lambda _said: None).clean


def test_a_path_that_cannot_be_read_is_one_clear_sentence(
    open_home: Callable[..., Site], tmp_path: Path
) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "dangling.txt").symlink_to(tmp_path / SECRET)
    site = open_home()
    for path in (tmp_path / SECRET, tmp_path / "input", tmp_path / "dangling.txt"):
        with pytest.raises(LivingLabError) as refused:
            land(site, "gait_people", [path])
        assert refused.value.exit_code == 2
        assert SECRET not in f"{refused.value.message} {refused.value.remedy} {refused.value.facts}"
