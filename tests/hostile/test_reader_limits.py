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


def test_the_largest_lines_and_the_most_are_set_aside_within_512_megabytes(tmp_path: Path) -> None:
    files = [
        (dataset, write(tmp_path / str(n), name, make))
        for n, (dataset, name, make, _) in enumerate(LINE.values())
    ]
    said = costs(files)
    assert {case: list(cost["reasons"]) for case, cost in zip(LINE, said, strict=True)} == {
        case: [reason] for case, (*_, reason) in LINE.items()
    }
    require_small(said)


def test_no_hostile_archive_takes_more_than_512_megabytes(tmp_path: Path) -> None:
    heavy = ["zeros 1000:1", "many members of zeros", "a size that is only claimed", "a greedy dictionary"]
    files = [("gait_walks", write(tmp_path / str(n), CASES[c][0], CASES[c][1])) for n, c in enumerate(heavy)]
    require_small(costs(files))


def test_tiny_files_are_read_one_at_a_time(tmp_path: Path) -> None:
    """200,000 of them in `make soak`: memory does not grow with their number."""
    for number in range(200_000 if SOAK else 1_000):
        (tmp_path / f"n{number}.jsonl").write_bytes(NOTE + b'x"}\n')
    (said,) = costs([("clinic_notes", tmp_path)])
    assert said["files"] == said["received"] == said["rows"] == (200_000 if SOAK else 1_000)
    require_small([said])


def test_a_process_that_keeps_everything_is_caught(tmp_path: Path) -> None:
    """The broken variant: lines split all at once, as `bytes.split` does, cost more than that."""
    code = (
        "from reading_process import peak_megabytes; kept = (b'\\n' * 10**8).split(b'\\n');"
        "print(peak_megabytes())"
    )
    used = subprocess.run(
        [sys.executable, "-c", code], cwd=PROCESS.parent, capture_output=True, text=True, check=True
    ).stdout
    with pytest.raises(AssertionError):
        require_small([{"megabytes": int(used), "reasons": {}}])


def test_a_walk_is_what_the_corpus_thinks(tmp_path: Path) -> None:
    """The control of all of the above: a sound file is read by the same process."""
    (said,) = costs([("gait_walks", write(tmp_path / "a", "GaPt03_01.txt", lambda: WALK))])
    assert (said["rows"], said["received"], said["reasons"]) == (1, 1, {})
