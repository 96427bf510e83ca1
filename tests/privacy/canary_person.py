"""One generated person whose every text field holds a token that stands nowhere else."""

import json
import re
from pathlib import Path

from lakehouse.samples.source_folder import write_sample

NAME, GIVEN, AUTHOR = "Zyxqvanter", "Qorvixia", "Plorquintas"
TOKENS = {
    "family name": NAME,
    "given name": GIVEN,
    "author": AUTHOR,
    "street": "Wubbleplonk",
    "city": "Xanthorbury",
    "phone": "867-530-9424",
    "phone in digits": "8675309424",
    "mail": "q.vixen.zyx",
    "record number": "MRN90417253",
    "social security number": "951-84-6273",
    "FHIR id": "5ca1ab1e-0ddb-4a11-8bad-f00dcafe1234",
    "clinic id": "C-7391-8264",
    "gait id": "JuPt97",
    "undeclared column": "Snorfblatt",
    "undeclared phone": "608-555-0199",
    "bad row": "Grumblethwaite",
    "file name": "Fizzlewick",
}


def write_canary_source(folder: Path, people: int = 10) -> None:
    """Write a source with the person in it, and rows that cannot be taken which name them."""
    write_sample(folder, people=people, seed=5)
    bundle = next(path for path in sorted((folder / "fhir").iterdir()) if _has_gait(path))
    _rename_everywhere(folder, json.loads(bundle.read_text())["entry"][0]["resource"])
    _add_to_record(next(path for path in (folder / "fhir").iterdir() if NAME in path.name))
    _add_bad_rows(folder)


def _has_gait(bundle: Path) -> bool:
    text = bundle.read_text()
    return "urn:livinglab:gaitpdb" in text and "urn:livinglab:clinic" in text and '"JuPt' in text


def _rename_everywhere(folder: Path, patient: dict) -> None:
    ids = {
        entry["system"].rpartition(":")[2].rpartition("/")[2]: entry["value"]
        for entry in patient["identifier"]
    }
    telecom = {entry["system"]: entry["value"] for entry in patient["telecom"]}
    address = patient["address"][0]
    swaps = {
        patient["id"]: TOKENS["FHIR id"],
        ids["gaitpdb"]: TOKENS["gait id"],
        ids["clinic"]: TOKENS["clinic id"],
        ids["records"]: TOKENS["record number"],
        ids["us-ssn"]: TOKENS["social security number"],
        telecom["phone"]: TOKENS["phone"],
        telecom["email"]: f"{TOKENS['mail']}@example.org",
        address["line"][0]: f"77 {TOKENS['street']} Way",
        address["city"]: TOKENS["city"],
        patient["name"][0]["family"]: NAME,
        patient["name"][0]["given"][0]: GIVEN,
    }
    pattern = re.compile("|".join(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])" for old in swaps))
    for path in [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tsv"]:
        path.write_text(pattern.sub(lambda found: swaps[found.group()], path.read_text()))
        name = re.sub(
            "|".join(re.escape(old) for old in swaps), lambda found: swaps[found.group()], path.name
        )
        path.rename(path.with_name(name))


def _add_to_record(bundle: Path) -> None:
    content = json.loads(bundle.read_text())
    patient = content["entry"][0]["resource"]
    patient["contact"] = [{"name": {"text": f"{TOKENS['undeclared column']} {NAME}"}}]
    told = {
        "status": "final",
        "code": {"text": TOKENS["bad row"]},
        "subject": {"reference": "urn:uuid:nobody"},
    }
    broken = {"resourceType": "Observation", "id": "broken-1", **told}
    foreign = {"resourceType": "Procedure", "id": "foreign-1", **told}
    content["entry"] += [{"fullUrl": f"urn:uuid:{own['id']}", "resource": own} for own in (broken, foreign)]
    bundle.write_text(json.dumps(content))


def _add_bad_rows(folder: Path) -> None:
    notes = folder / "clinic_notes" / "notes.jsonl"
    text = f"{GIVEN} {NAME} ({TOKENS['record number']}, {TOKENS['phone']}) of 77 {TOKENS['street']} Way came."
    note = {
        "note_id": "note-canary", "person_id": TOKENS["clinic id"], "written_at": "2024-02-03T11:36:00Z",
        "author": f"Dr. {AUTHOR}", "language": "en", "text": text,
        "nickname": TOKENS["undeclared column"], "contact": TOKENS["undeclared phone"],
    }  # fmt: skip
    lost = {**note, "note_id": "note-lost", "person_id": None, "text": TOKENS["bad row"]}
    torn = json.dumps({**note, "text": TOKENS["bad row"]})[:-9]
    with notes.open("a") as file:
        file.write("".join(f"{line}\n" for line in (json.dumps(note), json.dumps(lost), torn)))
    with (folder / "gaitpdb" / "demographics.txt").open("a") as file:
        file.write(f"{TOKENS['bad row']}\tGa\t1\t1\n")
        file.write("\t".join([TOKENS["gait id"], TOKENS["bad row"], *["x"] * 17]) + "\n")
    (folder / "gaitpdb" / f"{TOKENS['gait id']}_07.txt").write_text(f"{TOKENS['bad row']}\t1\t2\n")
    (folder / "gaitpdb" / f"{TOKENS['file name']}_01.txt").write_text(TOKENS["bad row"])
    (folder / "clinic_notes" / f"{TOKENS['file name']}.jsonl").write_bytes(b"\xff\xfe\x00" + NAME.encode())
    with (folder / "consent" / "consent.jsonl").open("a") as file:
        denied = {
            "person_id": TOKENS["bad row"],
            "id_system": "gaitpdb",
            "decision": "permit",
            "purposes": [],
        }
        file.write(json.dumps({**denied, "from": "2024-01-01", "to": None, "reason": NAME}) + "\n")
