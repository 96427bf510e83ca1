"""A generated source folder in the layout of the real one, traps included."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from lakehouse.errors import UnreadableInput
from lakehouse.samples.clinic_notes import Note, note_line, notes_about
from lakehouse.samples.demographics import demographics_text
from lakehouse.samples.fhir_records import make_bundle
from lakehouse.samples.gait_signal import walk_files
from lakehouse.samples.people import Person, make_people

MANIFEST = "MANIFEST.tsv"
DEFAULT_PEOPLE = 60


def write_sample(folder: Path, *, people: int = DEFAULT_PEOPLE, seed: int = 1) -> list[Path]:
    """Write generated people into `folder` and return the files, the manifest last.

    What an earlier call wrote there, as its manifest says, is removed first; other files stay.

    Raises:
        WrongUse: fewer than 10 or more than 1000 people.
        UnreadableInput: `folder` cannot be written, or its manifest is not ours.
    """
    everyone = make_people(people, seed)
    try:
        _remove_earlier(folder)
        return _write_all(folder, sample_files(everyone, seed))
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as problem:
        raise UnreadableInput(
            "the sample folder cannot be written", remedy="choose another folder"
        ) from problem


def sample_files(people: Sequence[Person], seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield relative path and bytes of every file of the source."""
    yield from _walks(people, seed)
    yield "gaitpdb/demographics.txt", demographics_text(people, seed).encode()
    notes: list[str] = []
    for position, person in enumerate(people):
        bundle = make_bundle(person, seed, broken_reference=position == 3)
        name = f"{person.given}_{person.family}_{person.fhir_id}.json"
        yield f"fhir/{name}", json.dumps(bundle, ensure_ascii=False, indent=1).encode()
        notes += [note_line(note) for note in notes_about(bundle, person.clinic_id)]
    yield "clinic_notes/notes.jsonl", "".join([*notes, _note_without_person()]).encode()
    yield "consent/consent.jsonl", "".join(_consents(people, seed)).encode()


def _walks(people: Sequence[Person], seed: int) -> Iterator[tuple[str, bytes]]:
    """Two walks a person; one person's second walk comes again as their third, another's under two names."""
    patients = [person for person in people if person.patient and person.study == "Ju"]
    repeated, copied = patients[0], patients[-1]
    for person in people:
        for name, data in walk_files(person, seed):
            yield f"gaitpdb/{name}", data
        second = f"gaitpdb/{person.gait_id}_03.txt"
        if person is repeated:
            yield second, data
        elif person is copied:
            yield second, list(walk_files(repeated, seed))[1][1]


def _note_without_person() -> str:
    note: Note = {
        "note_id": "note-0000000000",
        "person_id": None,
        "written_at": "2024-05-02T10:15:00Z",
        "author": "Nurse Ana Sousa",
        "language": "en",
        "text": "Left a message on the answering machine, nobody called back.",
    }
    return note_line(note)


def _consents(people: Sequence[Person], seed: int) -> Iterator[str]:
    """One person in twenty denies research; some permit more; one identifier is mistyped."""
    rng = Random(f"consents/{seed}")
    deny = rng.sample(list(people), max(1, len(people) // 20))
    for number, person in enumerate(deny):
        system, identifier = (
            ("gaitpdb", person.gait_id),
            ("fhir", person.fhir_id),
            ("clinic", person.clinic_id),
        )[number % 3]
        yield _consent(identifier, system, "deny", ["research"], "2024-01-15")
    for person in rng.sample([one for one in people if one not in deny], max(2, len(people) // 6)):
        yield _consent(person.fhir_id, "fhir", "permit", ["research", "care_improvement"], "2024-02-01")
    yield _consent(f"{people[0].gait_id} ", "gaitpdb", "permit", ["research"], "2024-02-01")


def _consent(identifier: str, system: str, decision: str, purposes: list[str], begin: str) -> str:
    record = {
        "person_id": identifier,
        "id_system": system,
        "decision": decision,
        "purposes": purposes,
        "from": begin,
        "to": None,
    }
    return json.dumps(record) + "\n"


def _write_all(folder: Path, files: Iterator[tuple[str, bytes]]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    manifest = ["file\tbytes\tsha256\n"]
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)
        manifest.append(f"{name}\t{len(data)}\t{hashlib.sha256(data).hexdigest()}\n")
    (folder / MANIFEST).write_text("".join(manifest), encoding="utf-8")
    return [*written, folder / MANIFEST]


def _remove_earlier(folder: Path) -> None:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return
    for line in manifest.read_text(encoding="utf-8").splitlines()[1:]:
        path = folder / line.partition("\t")[0]
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UnreadableInput(
                f"{MANIFEST} in the sample folder is not of this program", remedy="name an empty folder"
            )
        path.unlink(missing_ok=True)
    manifest.unlink()
