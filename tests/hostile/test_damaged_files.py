"""Files that broke off or lost a bit: each row is accepted, set aside, or its archive is; none vanishes."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_archives import WALK, tar_of
from hostile_contracts import SOAK, read_bytes, shipped

from lakehouse.errors import UnreadableInput
from lakehouse.readers import read_files
from lakehouse.readers.input_files import FileRows

CUTS, FLIPS = (500, 20_000) if SOAK else (50, 200)
REFUSED = UnreadableInput


def lines_of(count: int) -> bytes:
    return b"".join(WALK.replace(b"0.01", f"{n / 100:.2f}".encode()) for n in range(count))


def people() -> bytes:
    contract = shipped("gait_people")
    names = [column.source for column in contract.columns]
    values = {"ID": "GaPt03", "Study": "Ga", "Group": "1", "Gender": "2", "Age": "70", "Weight": "80"}
    rows = [[values.get(name, "") for name in names] for _ in range(6)]
    for number, cells in enumerate(rows):
        cells[0] = f"GaPt{number + 10}"
    return "\n".join("\t".join(cells) for cells in [names, *rows]).encode() + b"\n"


def notes() -> bytes:
    made = [
        {"note_id": f"n{n}", "person_id": f"C-{n}", "written_at": "2024-05-02", "text": f"née {n}"}
        for n in range(12)
    ]
    return "\n".join(json.dumps(note, ensure_ascii=False) for note in made).encode() + b"\n"


def records() -> bytes:
    entries = [{"resource": {"resourceType": "Patient", "id": f"p{n}", "gender": "male"}} for n in range(6)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


FORMATS: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "csv": ("gait_people", "demographics.txt", people),
    "gaitpdb_walks": ("gait_walks", "GaPt03_01.txt", lambda: lines_of(20)),
    "json_lines": ("clinic_notes", "notes.jsonl", notes),
    "fhir_bundle": ("ehr", "bundle.json", records),
}
ARCHIVES = {"tar.gz": "gz", "tar.xz": "xz", "tar.bz2": "bz2", "tar": ""}


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def damaged(data: bytes) -> list[bytes]:
    """The file cut at places all over it, and with one bit of it flipped."""
    chance = random.Random(len(data))
    cuts = [data[: len(data) * n // CUTS] for n in range(CUTS)]
    return [*cuts, *(flipped(data, chance.randrange(8 * len(data))) for _ in range(FLIPS))]


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_file_loses_no_row_and_makes_no_person(form: str) -> None:
    """received = accepted + set aside (`read_bytes`), and what is accepted has its type and its place."""
    dataset, name, make = FORMATS[form]
    whole = make()
    sound = read_bytes(shipped(dataset), whole, name)
    assert len(sound.rows) == sound.received > 5
    for data in damaged(whole):
        found = read_bytes(shipped(dataset), data, name)
        assert len(found.rows) <= sound.received + 1
        assert found.received >= 1 or form == "csv"


def archive_rows(path: Path) -> list[FileRows]:
    found = list(read_files([path], shipped("gait_walks")))
    assert all(len(one.rows) + len(one.rejected) == one.received for one in found)
    return found


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_damaged_archive_is_told(kind: str, tmp_path: Path) -> None:
    """Either every walk comes out as it went in, or something of the archive is set aside.

    A plain tar has no checksum over its contents: there a flipped bit may change a sample.
    """
    names = [f"GaPt{n}_01.txt" for n in range(10, 14)]
    whole = tar_of([(name, lines_of(30)) for name in names], ARCHIVES[kind])
    path = tmp_path / f"walks.{kind}"
    path.write_bytes(whole)
    sound = [one.digest for one in archive_rows(path)]
    assert len(sound) == 5
    for data in damaged(whole):
        path.write_bytes(data)
        found = archive_rows(path)
        told = any(one.rejected for one in found)
        assert told or [one.digest for one in found] == sound or kind == "tar"


def test_a_reader_that_stops_in_silence_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant gives what came before the damage and says nothing."""
    from test_hostile_archives import naive_members

    from lakehouse.readers import input_files

    def silent(path: Path):
        try:
            yield from naive_members(path)
        except (EOFError, OSError, ValueError, __import__("tarfile").TarError):
            return

    monkeypatch.setattr(input_files, "read_members", silent)
    with pytest.raises(AssertionError):
        test_a_damaged_archive_is_told("tar.gz", tmp_path)
