"""Archives that no honest sender makes, by name, each with the verdict that is expected."""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence

from quine_archive import quine

WALK = b"\t".join([b"0.01", *[b"1.5"] * 18]) + b"\n"
BOMB, UNSAFE, DAMAGED = "archive_bomb", "unsafe_archive", "unreadable_file"
Member = tuple[tarfile.TarInfo | str, bytes]


def tar_of(members: Sequence[Member], kind: str = "gz") -> bytes:
    """A tar archive of these members, each after one sound walk."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as tar:
        for member, data in [("GaPt03_01.txt", WALK), *members]:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(data) if info.type in (tarfile.REGTYPE, b"S") else 0
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> Member:
    """A member that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def many_entries(count: int) -> bytes:
    """An archive of `count` empty walks of one person, compressed to a few bytes each."""
    packer = zlib.compressobj(1, wbits=31)
    head = bytearray(tarfile.TarInfo("0000000/GaPt03_01.txt").tobuf(tarfile.USTAR_FORMAT))
    plain = sum(head[:7]) + int(head[148:154], 8)
    pieces = []
    for number in range(count):
        digits = b"%07d" % number
        head[:7] = digits
        head[148:154] = b"%06o" % (plain - 2 * 7 * 48 + sum(digits))
        pieces.append(packer.compress(bytes(head)))
    return b"".join([*pieces, packer.compress(bytes(1024)), packer.flush()])


def claimed_size() -> bytes:
    """A header that claims 5 GiB, with nothing behind it."""
    info = tarfile.TarInfo("GaPt03_02.txt")
    info.size = 5 * 2**30
    return zlib.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(512), wbits=31)


def overlapping_zip() -> bytes:
    """A zip whose directory names one stored file a thousand times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GaPt03_01.txt", bytes(2**20))
        archive.filelist *= 1000
    return buffer.getvalue()


def greedy_dictionary() -> bytes:
    """An .xz whose header asks for 1.5 GiB of memory for a few bytes of text."""
    data = bytearray(lzma.compress(b"x" * 2000, preset=0))
    data[16] = 37
    data[20:24] = zlib.crc32(bytes(data[12:20])).to_bytes(4, "little")
    return bytes(data)


def appended() -> bytes:
    """Two archives one behind the other: the second would be lost in silence."""
    return tar_of([], "") + tar_of([("GaPt04_01.txt", WALK)], "")


def nested(depth: int) -> bytes:
    """Archives in an archive, each with the name of the one around it."""
    inner = tar_of([])
    for _ in range(depth):
        inner = tar_of([("walks.tar.gz", inner)])
    return inner


CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zeros 1000:1": ("walks.tar.gz", lambda: tar_of([("GaPt03_02.txt", bytes(100 * 2**20))]), BOMB),
    "many members of zeros": (
        "walks.tar.gz",
        lambda: tar_of([(f"GaPt{n}_01.txt", bytes(2**20)) for n in range(10, 60)]),
        BOMB,
    ),
    "zeros in bz2": ("walks.tar.bz2", lambda: tar_of([("GaPt03_02.txt", bytes(60 * 2**20))], "bz2"), BOMB),
    "a size that is only claimed": ("walks.tar.gz", claimed_size, BOMB),
    "a hundred thousand entries": ("walks.tar.gz", lambda: many_entries(100_000), BOMB),
    "a greedy dictionary": ("walks.tar.xz", greedy_dictionary, DAMAGED),
    "nested ten times": ("walks.tar.gz", lambda: nested(10), UNSAFE),
    "an archive that holds its own name": ("walks.tar.gz", lambda: nested(1), UNSAFE),
    "an archive that holds itself": ("walks.tar.gz", quine, UNSAFE),
    "a zip inside": ("walks.tar.gz", lambda: tar_of([("GaPt03_02.zip", b"PK")]), UNSAFE),
    "up and out": ("walks.tar.gz", lambda: tar_of([("../GaPt03_02.txt", WALK)]), UNSAFE),
    "up in the middle": ("walks.tar.gz", lambda: tar_of([("a/../../GaPt03_02.txt", WALK)]), UNSAFE),
    "an absolute name": ("walks.tar.gz", lambda: tar_of([("/etc/GaPt03_02.txt", WALK)]), UNSAFE),
    "a drive": ("walks.tar.gz", lambda: tar_of([("C:/GaPt03_02.txt", WALK)]), UNSAFE),
    "a backslash": ("walks.tar.gz", lambda: tar_of([("..\\GaPt03_02.txt", WALK)]), UNSAFE),
    "a symbolic link": ("walks.tar.gz", lambda: tar_of([special("a", tarfile.SYMTYPE, "/etc")]), UNSAFE),
    "a hard link": ("walks.tar.gz", lambda: tar_of([special("a", tarfile.LNKTYPE, "b")]), UNSAFE),
    "a device": ("walks.tar.gz", lambda: tar_of([special("a", tarfile.CHRTYPE)]), UNSAFE),
    "a pipe": ("walks.tar.gz", lambda: tar_of([special("a", tarfile.FIFOTYPE)]), UNSAFE),
    "a sparse file": ("walks.tar.gz", lambda: tar_of([special("a", tarfile.GNUTYPE_SPARSE)]), UNSAFE),
    "one name twice": ("walks.tar.gz", lambda: tar_of([("GaPt03_01.txt", WALK * 2)]), UNSAFE),
    "one name twice, written otherwise": (
        "walks.tar.gz",
        lambda: tar_of([("./GaPt03_01.txt", WALK * 2)]),
        UNSAFE,
    ),
    "a zip of overlaps, called tar": ("walks.tar.gz", overlapping_zip, DAMAGED),
    "a zip of overlaps, called a walk": ("GaPt03_01.txt", overlapping_zip, DAMAGED),
}
