"""The log's files: growing, proving, repairing, and finding whatever is not theirs."""

from pathlib import Path

import pytest

from lakehouse.adapters import tile_log
from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.tile_log import TileLog
from lakehouse.core.checkpoint import Checkpoint
from lakehouse.core.merkle import consistency_path, inclusion_path, leaf_hash, root_of, verify_inclusion
from lakehouse.core.trust import parse_trust
from lakehouse.errors import Damaged, WrongUse

ENTRIES = [f"entry {number}".encode() for number in range(600)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]
SIGNER = Signer("livinglab.local/test", b"\x01" * 32)


def open_log(folder: Path) -> TileLog:
    return TileLog(folder, "livinglab.local/test", SIGNER)


@pytest.fixture
def log(tmp_path: Path) -> TileLog:
    """A log of 600 leaves, made in three parts."""
    made = open_log(tmp_path)
    made.extend([], 0)
    made.extend(ENTRIES[:3], 0)
    made.extend(ENTRIES[3:259], 3)
    made.extend(ENTRIES[259:515], 259)
    made.extend(ENTRIES[515:], 515)
    return made


def test_a_grown_log_has_the_root_of_its_entries(log: TileLog) -> None:
    assert (log.size(), log.root()) == (600, root_of(HASHES))
    assert log.check(ENTRIES) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 600])
def test_proofs_from_tiles_are_those_from_all_leaves(log: TileLog, size: int) -> None:
    for index in {0, size // 2, size - 1}:
        assert log.inclusion(index, size) == inclusion_path(HASHES[:size], index)
    for old in {1, size // 2 or 1, size}:
        assert log.consistency(old, size) == consistency_path(HASHES[:size], old)


def test_the_same_entries_again_change_no_byte(log: TileLog, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    log.extend(ENTRIES[500:], 500)
    log.extend([], 600)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_two_logs_with_one_key_are_equal_byte_for_byte(log: TileLog, tmp_path: Path) -> None:
    other = tmp_path / "other"
    open_log(other).extend(ENTRIES, 0)
    for name in (
        "checkpoint",
        "trust.json",
        "tile/0/000",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/001",
    ):
        assert (other / name).read_bytes() == (tmp_path / name).read_bytes()


def test_entries_are_read_back(log: TileLog) -> None:
    assert [log.entry(index) for index in (0, 255, 256, 599)] == [ENTRIES[i] for i in (0, 255, 256, 599)]
    with pytest.raises(WrongUse):
        log.entry(600)


def test_the_trust_file_names_the_key_that_signs(log: TileLog, tmp_path: Path) -> None:
    assert parse_trust((tmp_path / "trust.json").read_bytes()).log == SIGNER.key


@pytest.mark.parametrize("cut", range(12))
def test_a_kill_between_any_two_writes_is_repaired(
    tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies before its write number `cut`; the next extend ends at the same bytes."""
    log = open_log(tmp_path)
    log.extend(ENTRIES[:250], 0)
    writes = 0
    whole = TileLog._write

    def dying_write(self: TileLog, name: str, content: bytes) -> None:
        nonlocal writes
        if writes == cut:
            (tmp_path / f".{Path(name).name}.0badcafe.new").write_bytes(content[:5])
            raise KeyboardInterrupt
        writes += 1
        whole(self, name, content)

    monkeypatch.setattr(TileLog, "_write", dying_write)
    try:
        log.extend(ENTRIES[250:], 250)
    except KeyboardInterrupt:
        assert open_log(tmp_path).size() == 250
    monkeypatch.undo()
    open_log(tmp_path).extend(ENTRIES[250:], 250)
    assert open_log(tmp_path).check(ENTRIES) == []


def test_a_log_that_would_become_another_is_not_signed(log: TileLog) -> None:
    before = log.checkpoint_text()
    with pytest.raises(Damaged, match="not the entry"):
        log.extend([b"rewritten", *ENTRIES[551:], b"new"], 550)
    with pytest.raises(Damaged, match="do not meet"):
        log.extend([b"new"], 601)
    with pytest.raises(Damaged, match="do not meet"):
        log.extend(ENTRIES[:10], 0)
    assert log.checkpoint_text() == before


def test_a_log_whose_checkpoint_was_taken_away_is_not_signed_anew(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.extend(ENTRIES[:5], 0)
    (tmp_path / "checkpoint").unlink()
    for entries in ([b"rewritten"], ENTRIES[:5], []):
        with pytest.raises(Damaged, match="no checkpoint"):
            log.extend(entries, 0)


def test_a_tile_of_another_history_is_not_built_upon(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.extend(ENTRIES[:5], 0)
    (tmp_path / "tile/0/000.p/6").write_bytes(bytes(32 * 6))
    with pytest.raises(Damaged, match="contradicts"):
        log.extend(ENTRIES[5:6], 5)


def test_a_checkpoint_of_another_key_or_log_is_refused(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.extend(ENTRIES[:5], 0)
    head = Checkpoint(origin="livinglab.local/test", size=5, root=root_of(HASHES[:5]))
    for signer, said in ((Signer("livinglab.local/test", b"\x05" * 32), head), (SIGNER, _renamed(head))):
        (tmp_path / "checkpoint").write_text(signer.sign_note(said.render()).render())
        with pytest.raises(Damaged):
            log.size()


def _renamed(head: Checkpoint) -> Checkpoint:
    return Checkpoint(origin="another.example/log", size=head.size, root=head.root)


def test_a_tile_at_the_edge_that_does_not_give_the_root_stops_the_log(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.extend(ENTRIES[:5], 0)
    tile = tmp_path / "tile/0/000.p/5"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(Damaged):
        log.extend(ENTRIES[5:6], 5)


def test_one_changed_byte_in_any_file_is_found(log: TileLog, tmp_path: Path) -> None:
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert any(path.name == "3" for path in files), "an earlier partial tile is there"
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert [found.place for found in log.check(ENTRIES)] == [path.relative_to(tmp_path).as_posix()]
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "name", ["notes.txt", "tile/0/009", "tile/0/002.p/89", "tile/0/002.p/088", ".hidden", "tile/2/000.p/1"]
)
def test_any_other_file_is_found(log: TileLog, tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes((tmp_path / "tile/0/002.p/88").read_bytes())
    assert [(found.kind, found.place) for found in log.check(ENTRIES)] == [("unknown file in the log", name)]


def test_a_missing_file_and_a_link_are_found(log: TileLog, tmp_path: Path) -> None:
    tile = tmp_path / "tile/0/000"
    kept = tmp_path.parent / f"{tmp_path.name}-kept"
    tile.rename(kept)
    assert [found.kind for found in log.check(ENTRIES)] == ["log file missing"]
    tile.symlink_to(kept)
    assert [found.kind for found in log.check(ENTRIES)] == ["unknown file in the log"]


def test_an_inclusion_proof_reads_few_of_the_files_of_a_million_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most the checkpoint and two tiles a level are read, of three levels and 7,842 files."""
    leaves = 1_000_000
    log = open_log(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(tile_log, "write_durably", write_at_once)
        log.extend([b"%d" % number for number in range(leaves)], 0)
    root, read = log.root(), list[str]()
    whole = TileLog._read
    monkeypatch.setattr(TileLog, "_read", lambda self, name: (read.append(name), whole(self, name))[1])
    for index in (0, 255, 256, 12_345, 65_536, 500_000, 999_935, 999_936, 999_999):
        read.clear()
        path = log.inclusion(index, leaves)
        assert len(read) <= 7
        verify_inclusion(leaf_hash(b"%d" % index), index, leaves, path, root)


def write_at_once(path: Path, content: bytes) -> None:
    """Write without waiting for the disk: a test's log need not survive a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
