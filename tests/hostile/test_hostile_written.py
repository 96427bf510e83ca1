"""What landing hostile archives writes, to the byte as the system counts it, and what of it stays behind."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile_archives import CASES
from hostile_contracts import shipped
from quine_archive import NAME, quine

from lakehouse.adapters.bronze_rows import BatchFile
from lakehouse.adapters.private_folders import private_folder
from lakehouse.pipeline.landing_batch import portions
from lakehouse.pipeline.landing_rows import LandedRows
from lakehouse.pipeline.site import Site
from lakehouse.readers import input_files, read_files

MOST_WRITTEN = 50_000_000
WRITING = [
    "zeros 1000:1",
    "many members of zeros",
    "a size that is only claimed",
    "nested ten times",
    "an archive that holds itself",
    "a zip of overlaps, called tar",
    "a zip of overlaps, called a walk",
]


def written() -> int:
    """Bytes that this process has handed to the system to write, to whatever file."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def land_archives(site: Site, folder: Path) -> tuple[int, int]:
    """Land the archives up to the commit: bytes written meanwhile, and how many files were set aside."""
    for number, case in enumerate(WRITING):
        name, make, _ = CASES[case]
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / name).write_bytes(make())
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    contract = shipped("gait_walks")
    before = written()
    found = [
        BatchFile(found=one, bytes_hmac=one.digest, source_digest="") for one in read_files(paths, contract)
    ]
    with private_folder(site.lake.work) as place, LandedRows(site, contract, 1, place) as landed:
        for portion in portions(contract, found):
            landed.take(portion)
    return written() - before, landed.counts()["quarantined"]


def test_landing_them_writes_at_most_50_megabytes_and_leaves_nothing(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted while it goes on; afterwards work, landing and the folder for temporary files are empty."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    site = open_home()
    cost, aside = land_archives(site, tmp_path / "input")
    assert aside == len(WRITING)
    assert cost <= MOST_WRITTEN
    for place in (site.lake.work, site.home.place("landing"), temporary):
        assert list(place.iterdir()) == []


def test_a_reader_that_unpacks_to_disk_is_caught(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: `extractall`, as most people do it."""

    def unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
        with tarfile.open(path, "r:*") as tar:
            tar.extractall(tmp_path / "unpacked", filter="data")
        yield "GaPt03_01.txt", b""

    monkeypatch.setattr(input_files, "read_members", unpacked)
    site = open_home()
    before = written()
    with pytest.raises((AssertionError, tarfile.TarError, EOFError)):
        assert land_archives(site, tmp_path / "input")[0] <= MOST_WRITTEN
    assert written() - before > MOST_WRITTEN


def test_the_archive_that_holds_itself_does() -> None:
    """The control of the generator: an honest reader finds the same bytes inside, at every depth."""
    data = whole = quine()
    for _ in range(3):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            member = tar.extractfile(NAME)
            assert member is not None
            data = member.read()
        assert data == whole
