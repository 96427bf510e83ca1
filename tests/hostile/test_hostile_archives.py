"""Hostile archives: set aside whole with a reason, at most 50 MB kept, nothing of them taken."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_archives import CASES, DAMAGED, UNSAFE, WALK, appended, many_entries, tar_of
from hostile_contracts import SOAK, shipped

from lakehouse.readers import input_files, read_files
from lakehouse.readers.input_files import FileRows

MOST_WRITTEN = 50_000_000
WALKS = shipped("gait_walks")


def verdict(path: Path, reason: str) -> None:
    """One file set aside with this reason; what would be written is small; the folder stays as it was."""
    found = list(read_files([path], WALKS))
    assert [[row.reason for row in one.rejected] for one in found] == [[reason]]
    assert sum(len(one.rows) for one in found) == 0
    assert written(found) <= MOST_WRITTEN
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def written(found: list[FileRows]) -> int:
    return sum(one.rows.nbytes + sum(len(row.raw) for row in one.rejected) for one in found)


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_archive_is_set_aside_whole(case: str, tmp_path: Path) -> None:
    name, make, reason = CASES[case]
    (tmp_path / name).write_bytes(make())
    verdict(tmp_path / name, reason)


def naive_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """The broken variant: `tarfile` as most people use it."""
    with tarfile.open(path, "r:*") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            if stream:
                yield member.name, stream.read()


@pytest.mark.parametrize(
    "case", ["zeros 1000:1", "up and out", "a symbolic link", "one name twice", "nested ten times"]
)
def test_a_reader_that_believes_archives_is_caught(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "read_members", naive_members)
    name, make, reason = CASES[case]
    (tmp_path / name).write_bytes(make())
    with pytest.raises(AssertionError):
        verdict(tmp_path / name, reason)


def test_a_second_archive_behind_the_first_is_not_lost_in_silence(tmp_path: Path) -> None:
    """What stands before the fault is sound and taken; the archive is set aside beside it."""
    (tmp_path / "walks.tar").write_bytes(appended())
    first, second = read_files([tmp_path / "walks.tar"], WALKS)
    assert (first.identity, first.received) == ("GaPt03_01", 1)
    assert second.rejected[0].reason == DAMAGED
    assert [name for name, _ in naive_members(tmp_path / "walks.tar")] == ["GaPt03_01.txt"]


def test_another_file_of_the_batch_goes_on(tmp_path: Path) -> None:
    (tmp_path / "walks.tar.gz").write_bytes(tar_of([("/GaPt03_02.txt", WALK)]))
    (tmp_path / "GaPt04_01.txt").write_bytes(WALK)
    sound, unsafe = read_files(sorted(tmp_path.iterdir()), WALKS)
    assert (sound.identity, unsafe.rejected[0].reason) == ("GaPt04_01", UNSAFE)


def test_text_that_compresses_well_is_no_bomb(tmp_path: Path) -> None:
    """Two minutes of a sensor that lies still: 60:1, and taken."""
    members = [(f"GaPt{n}_01.txt", WALK.replace(b"1.5", b"0") * 100) for n in range(10, 30)]
    (tmp_path / "walks.tar.xz").write_bytes(tar_of(members, "xz"))
    found = list(read_files([tmp_path], WALKS))
    assert [one.received for one in found] == [1, *[100] * 20]
    assert {row.reason for one in found for row in one.rejected} == {"duplicate_row"}


def test_entries_in_the_hundred_thousands_are_headers_that_tarfile_reads(tmp_path: Path) -> None:
    """The control of the generator: an honest reader finds these entries."""
    (tmp_path / "walks.tar.gz").write_bytes(many_entries(1_000_000 if SOAK else 50))
    with tarfile.open(tmp_path / "walks.tar.gz") as tar:
        assert [next(iter(tar)).name, tar.next().name] == ["0000000/GaPt03_01.txt", "0000001/GaPt03_01.txt"]
    if SOAK:
        verdict(tmp_path / "walks.tar.gz", "archive_bomb")


def test_several_xz_streams_are_one_archive(tmp_path: Path) -> None:
    """As `xz` makes them of parts and with padding; a part that breaks off is told."""
    import lzma

    whole = tar_of([("GaPt04_01.txt", WALK)], "")
    parts = lzma.compress(whole[:1500]) + bytes(8) + lzma.compress(whole[1500:])
    path = tmp_path / "walks.tar.xz"
    path.write_bytes(parts)
    assert [one.identity for one in read_files([path], WALKS)] == ["GaPt03_01", "GaPt04_01"]
    path.write_bytes(parts[:-40])
    assert [row.reason for one in read_files([path], WALKS) for row in one.rejected] == [DAMAGED]


def test_a_stream_with_a_wrong_checksum_is_told(tmp_path: Path) -> None:
    data = bytearray(zlib.compress(tar_of([], ""), wbits=31))
    data[-6] ^= 1
    (tmp_path / "walks.tar.gz").write_bytes(data)
    reasons = [row.reason for one in read_files(sorted(tmp_path.iterdir()), WALKS) for row in one.rejected]
    assert reasons == [DAMAGED]
