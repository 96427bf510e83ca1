"""Walks of gaitpdb: whose they are, samples in one go, bad lines one by one, archives."""

import io
import lzma
import tarfile

import pytest
from contract_samples import input_file, shipped

from lakehouse.errors import ContractError, UnreadableInput
from lakehouse.readers import gaitpdb_walks, read_files
from lakehouse.readers.archives import read_members

WALKS = shipped("bronze.gait_walks")


def line(number, **changes):
    values = {0: f"{number / 100:.4f}", **{place: f"{place}.5" for place in range(1, 19)}, **changes}
    return "\t".join(values[place] for place in range(19)).encode()


def walk(count=3):
    return b"".join(line(number) + b"\n" for number in range(count))


def read(data, name="GaPt03_01.txt"):
    return gaitpdb_walks.read(input_file(data, name), WALKS)


def test_the_file_name_says_whose_walk_it_is():
    found = read(walk())
    assert found.constants == {"person_id": "GaPt03", "study": "Ga", "group": "Pt", "walk": 1}
    assert found.identity == "GaPt03_01"


def test_samples_are_numbered_from_0_and_lines_from_1():
    found = read(walk())
    assert found.rows["row"].to_pylist() == [1, 2, 3]
    assert found.rows["sample"].to_pylist() == [0, 1, 2]
    assert found.rows["time_s"].to_pylist() == [0.0, 0.01, 0.02]
    assert found.rows["force_right"].to_pylist() == [18.5] * 3
    assert "person_id" not in found.rows.column_names


@pytest.mark.parametrize(
    "name",
    ["gapt03_01.txt", "GaPt03 _01.txt", "GaPt3_01.txt", "GaPt03_1.txt", "GaPt03.txt", "GаPt03_01.txt", "x"],
)
def test_a_name_that_is_not_canonical_sets_the_whole_file_aside(name):
    found = read(walk(), name)
    assert [(row.row, row.reason) for row in found.rejected] == [(None, "id_not_canonical")]
    assert (found.received, found.identity, found.constants) == (1, "", {})


BAD_LINES = [
    (b"", "empty_line", None),
    (line(1)[:30], "wrong_column_count", None),
    (line(1) + b"\t1", "wrong_column_count", None),
    (line(1, **{}).replace(b"1.5", b"abc", 1), "not_a_number", "l1"),
    (line(1).replace(b"\t1.5", b"\t", 1), "missing_value", "l1"),
    (line(1).replace(b"1.5", b"NaN", 1), "not_finite", "l1"),
    (line(1).replace(b"1.5", b"-inf", 1), "not_finite", "l1"),
    (line(1).replace(b"1.5", b"1e300", 1), "out_of_range", "l1"),
    (line(1).replace(b"1.5", b"\xff", 1), "not_a_number", "l1"),
]


@pytest.mark.parametrize(("bad", "reason", "column"), BAD_LINES)
def test_a_bad_line_is_set_aside_and_the_others_stay(bad, reason, column):
    found = read(b"\n".join([line(0), bad, line(2)]) + b"\n")
    assert [(row.row, row.reason, row.column) for row in found.rejected] == [(2, reason, column)]
    assert found.rows["sample"].to_pylist() == [0, 2]
    assert found.received == 3
    assert (found.rejected[0].person_id, found.rejected[0].system) == ("GaPt03", "gaitpdb")


def test_line_by_line_gives_what_one_go_gives():
    clean = read(walk(5))
    slow = read(walk(5) + b"\n")
    assert slow.rows.equals(clean.rows.cast(slow.rows.schema))


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"\xff\xfe0\x00"])
def test_a_file_that_is_no_text_is_set_aside_with_its_person(data):
    found = read(data)
    assert (found.received, len(found.rows), len(found.rejected)) == (1, 0, 1)
    assert found.rejected[0].person_id == "GaPt03"


def test_windows_line_ends_read_the_same():
    assert read(walk().replace(b"\n", b"\r\n")).rows.equals(read(walk()).rows)


def test_a_contract_that_leaves_a_sensor_out_would_lose_it():
    from dataclasses import replace

    less = replace(WALKS, columns=tuple(column for column in WALKS.columns if column.name != "l3"))
    with pytest.raises(ContractError, match="l3"):
        gaitpdb_walks.read(input_file(walk(), "GaPt03_01.txt"), less)


def archive(members, kind="xz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}" if kind else "w") as tar:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def names_of(paths):
    return [found.identity for found in read_files(paths, WALKS)]


def test_walks_come_out_of_an_archive_as_they_lie_loose(tmp_path):
    members = [("a/GaPt03_01.txt", walk(2)), ("GaPt03_02.txt", walk(3)), ("README.md", b"x")]
    (tmp_path / "walks.tar.xz").write_bytes(archive(members))
    (tmp_path / "GaPt04_01.txt").write_bytes(walk(4))
    found = list(read_files([tmp_path], WALKS))
    assert [one.identity for one in found] == ["GaPt04_01", "GaPt03_01", "GaPt03_02"]
    assert [one.file for one in found] == [1, 2, 3]
    assert [one.received for one in found] == [4, 2, 3]


def test_the_order_of_paths_changes_nothing(tmp_path):
    for name in ("JuPt01_01.txt", "GaPt04_01.txt", "GaCo01_02.txt"):
        (tmp_path / name).write_bytes(walk())
    paths = sorted(tmp_path.iterdir())
    assert names_of(paths) == names_of(paths[::-1]) == names_of([tmp_path])


def test_a_truncated_archive_gives_what_it_has_and_one_unreadable_file(tmp_path):
    whole = archive([("GaPt03_01.txt", walk(2)), ("GaPt03_02.txt", walk(9000))], kind="")
    (tmp_path / "walks.tar.xz").write_bytes(lzma.compress(whole[:4000]))
    found = list(read_files([tmp_path], WALKS))
    assert [one.identity for one in found] == ["GaPt03_01", ""]
    assert [row.reason for row in found[1].rejected] == ["unreadable_file"]


@pytest.mark.parametrize("suffix", [".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar"])
def test_what_only_calls_itself_an_archive_is_one_unreadable_file(tmp_path, suffix):
    path = tmp_path / f"walks{suffix}"
    path.write_bytes(b"this is not an archive" * 40)
    found = list(read_files([path], WALKS))
    assert [(one.received, one.rejected[0].reason) for one in found] == [(1, "unreadable_file")]


def test_a_damaged_header_in_the_middle_is_not_the_end_in_silence(tmp_path):
    """`tarfile` itself stops at such a header without a word: the control shows it."""
    whole = bytearray(archive([("GaPt03_01.txt", walk(2)), ("GaPt03_02.txt", walk(2))], kind=""))
    whole[1024 + 148] ^= 1
    path = tmp_path / "walks.tar"
    path.write_bytes(whole)
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["GaPt03_01.txt"]
    with pytest.raises(UnreadableInput):
        list(read_members(path))


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


UNSAFE = [
    special("GaPt01_01.txt", tarfile.SYMTYPE, "/etc/passwd"),
    special("GaPt01_02.txt", tarfile.LNKTYPE, "GaPt03_01.txt"),
    special("GaPt01_03.txt", tarfile.FIFOTYPE),
    ("../GaPt01_04.txt", walk()),
    ("/GaPt01_05.txt", walk()),
]


@pytest.mark.parametrize("unsafe", UNSAFE, ids=range(len(UNSAFE)))
def test_a_link_a_device_or_an_unsafe_name_sets_the_whole_archive_aside(tmp_path, unsafe):
    path = tmp_path / "walks.tar.gz"
    path.write_bytes(archive([("GaPt03_01.txt", walk()), unsafe], kind="gz"))
    (found,) = read_files([path], WALKS)
    assert [(row.reason, row.raw) for row in found.rejected] == [("unsafe_archive", path.read_bytes())]
    assert [entry.name for entry in tmp_path.iterdir()] == ["walks.tar.gz"]


def test_a_long_name_is_a_name(tmp_path):
    path = tmp_path / "walks.tar.gz"
    path.write_bytes(archive([("d" * 120 + "/GaPt03_01.txt", walk())], kind="gz"))
    assert names_of([path]) == ["GaPt03_01"]


def test_a_member_that_claims_to_be_huge_is_not_believed(tmp_path):
    info = tarfile.TarInfo("GaPt03_01.txt")
    info.size = 2**40
    path = tmp_path / "walks.tar"
    path.write_bytes(info.tobuf() + b"x" * 512)
    with pytest.raises(UnreadableInput):
        list(read_members(path))


def test_a_path_that_is_not_there_is_the_user_s_mistake(tmp_path):
    with pytest.raises(UnreadableInput):
        list(read_files([tmp_path / "nowhere"], WALKS))


def test_the_real_walks_read_whole(shared_data):
    found = list(read_files([shared_data / "gaitpdb" / "walks.tar.xz"], WALKS))
    assert len(found) == 242
    assert sum(len(one.rows) for one in found) == sum(one.received for one in found) == 2_541_934


def test_the_real_demographics_have_their_traps(shared_data):
    (found,) = read_files([shared_data / "gaitpdb" / "demographics.txt"], shipped("bronze.gait_people"))
    reasons = [row.reason for row in found.rejected]
    assert (found.received, len(found.rows)) == (171, 101)
    assert (reasons.count("empty_line"), reasons.count("id_not_canonical")) == (69, 1)
    assert found.undeclared == ()
