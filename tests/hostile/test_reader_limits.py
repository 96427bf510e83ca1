"""What the worst files cost: measured in a process of its own, under 512 MB, nothing lost."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hostile_archives import CASES, WALK
from hostile_contracts import SOAK

PROCESS = Path(__file__).with_name("reading_process.py")
MOST_MEGABYTES = 512
MOST = 100 * 2**20
NOTE = b'{"note_id":"n1","person_id":"C-1","text":"'
PATIENT = b'{"resourceType":"Patient","id":"'
ROWS = 10**7
TINY = 200_000 if SOAK else 1_000
ARCHIVES = ("zeros 1000:1", "many members of zeros", "a size that is only claimed", "a greedy dictionary")
LINE: dict[str, tuple[str, str, Callable[[], bytes], str]] = {
    "a note of 100 MB": ("clinic_notes", "a.jsonl", lambda: NOTE + b"x" * MOST + b'"}\n', "too_large"),
    "a walk of one line": ("gait_walks", "GaPt03_01.txt", lambda: b"1\t" * (MOST // 2), "too_large"),
    "a header of 100 MB": ("gait_people", "demographics.txt", lambda: b"ID\t" * (MOST // 3), "too_large"),
    "a record of 100 MB": ("ehr", "a.json", lambda: PATIENT + b"x" * MOST + b'"}', "too_large"),
    "100 MB of zeros": ("clinic_notes", "b.jsonl", lambda: bytes(MOST), "unreadable_file"),
    "empty lines of a walk": ("gait_walks", "GaPt03_02.txt", lambda: b"\n" * ROWS, "unreadable_file"),
    "empty lines of people": ("gait_people", "demographics.txt", lambda: b"\n" * ROWS, "column_gone"),
    "empty lines of notes": ("clinic_notes", "c.jsonl", lambda: b"\n" * ROWS, "unreadable_file"),
    "empty lines of records": ("ehr", "b.json", lambda: b"\n" * ROWS, "unreadable_file"),
    "empty notes": ("clinic_notes", "d.jsonl", lambda: b"{}\n" * (ROWS // 50), "unreadable_file"),
    "a header of a million tabs": (
        "gait_people",
        "demographics.txt",
        lambda: b"ID" + b"\t" * 10**6 + b"\na" * ROWS,
        "too_many_columns",
    ),
    "a new key a line": (
        "clinic_notes",
        "f.jsonl",
        lambda: b"".join(NOTE + b'","k%d":1}\n' % n for n in range(10**5)),
        "too_many_columns",
    ),
    "a list of ten million": ("ehr", "c.json", lambda: b"[" + b"{}," * ROWS + b"0]", "unreadable_file"),
    "deep nesting": ("ehr", "d.json", lambda: b"[" * 2**23, "unreadable_file"),
    "a number of a million digits": (
        "clinic_notes",
        "e.jsonl",
        lambda: NOTE[:-1] + b"9" * 10**6 + b"}",
        "invalid_json",
    ),
}


def costs(files: Sequence[tuple[str, Path]]) -> list[dict]:
    """Read the files one after the other in one process; one entry each."""
    listed = json.dumps([[dataset, str(path)] for dataset, path in files])
    ended = subprocess.run(
        [sys.executable, str(PROCESS), listed], capture_output=True, text=True, check=False, timeout=3000
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def require_small(said: Sequence[dict]) -> None:
    assert max(cost["megabytes"] for cost in said) < MOST_MEGABYTES
    for cost in said:
        assert cost.get("rows", 0) + sum(cost["reasons"].values()) == cost.get("received", 0)


def write(folder: Path, name: str, make: Callable[[], bytes]) -> Path:
    folder.mkdir()
    path = folder / name
    path.write_bytes(make())
    return path


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What each file cost, all read by one process: a sound walk, tiny files, the largest, archives."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "tiny").mkdir()
    for number in range(TINY):
        (folder / "tiny" / f"n{number}.jsonl").write_bytes(NOTE + b'x"}\n')
    files = {
        "a sound walk": ("gait_walks", write(folder / "sound", "GaPt03_01.txt", lambda: WALK)),
        "tiny files": ("clinic_notes", folder / "tiny"),
    }
    files |= {case: (own, write(folder / case, name, make)) for case, (own, name, make, _) in LINE.items()}
    files |= {case: ("gait_walks", write(folder / case, *CASES[case][:2])) for case in ARCHIVES}
    return dict(zip(files, costs(list(files.values())), strict=True))


def test_the_largest_lines_and_the_most_are_set_aside_within_512_megabytes(said: dict[str, dict]) -> None:
    assert {case: list(said[case]["reasons"]) for case in LINE} == {
        case: [reason] for case, (*_, reason) in LINE.items()
    }
    require_small([said[case] for case in LINE])


def test_no_hostile_archive_takes_more_than_512_megabytes(said: dict[str, dict]) -> None:
    require_small([said[case] for case in ARCHIVES])


def test_tiny_files_are_read_one_at_a_time(said: dict[str, dict]) -> None:
    """200,000 of them in `make soak`: memory does not grow with their number."""
    tiny = said["tiny files"]
    assert tiny["files"] == tiny["received"] == tiny["rows"] == TINY
    require_small([tiny])


def test_a_process_that_keeps_everything_is_caught() -> None:
    """The broken variant: lines split all at once, as `bytes.split` does, cost more than that."""
    code = (
        "from reading_process import peak_megabytes; kept = (b'ab\\n' * 10**7).split(b'\\n');"
        "print(peak_megabytes())"
    )
    used = subprocess.run(
        [sys.executable, "-c", code], cwd=PROCESS.parent, capture_output=True, text=True, check=True
    ).stdout
    with pytest.raises(AssertionError):
        require_small([{"megabytes": int(used), "reasons": {}}])


def test_a_walk_is_what_the_corpus_thinks(said: dict[str, dict]) -> None:
    """The control of all of the above: a sound file is read by the same process."""
    sound = said["a sound walk"]
    assert (sound["rows"], sound["received"], sound["reasons"]) == (1, 1, {})
