"""A tar.gz whose only file is itself, byte for byte: whoever unpacks it over and over never ends.

The construction is that of Russ Cox, "Zip Files All The Way Down" (2010), with a tar around each copy: a
program of two instructions, "write the next n bytes" and "write the last n bytes again", whose output is the
program. Format: RFC 1951 and RFC 1952; the checksum that the file holds of itself solves 32 linear equations.
"""

import tarfile
import zlib

NAME = "walks.tar.gz"
UNIT = 11
"""Bytes of an instruction; short ones are filled up with blocks that write nothing."""
EMPTY_FIXED = "0100000000"
"""A block of fixed codes (RFC 1951, 3.2.6) that ends at once: three bits of head, seven of its end."""


def literal(size: int) -> bytes:
    """Write the next `size` bytes: a block of fixed codes that writes nothing, then two stored blocks."""
    nothing = _bytes_of(EMPTY_FIXED + "000") + b"\0\0\xff\xff"
    return nothing + b"\0" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")


def repeat(size: int) -> bytes:
    """Write the last `size` bytes (3 to 257) again, in `UNIT` bytes."""
    match = "010" + _length_code(size) + _distance_code(size) + "0000000"
    while len(match) + len(EMPTY_FIXED) + 3 <= 8 * (UNIT - 4):
        match += EMPTY_FIXED
    made = _bytes_of(match + "000") + b"\0\0\xff\xff"
    if len(made) != UNIT:
        raise ValueError(size)
    return made


def _bytes_of(bits: str) -> bytes:
    """Pack bits as RFC 1951 has them: the first one is the lowest of its byte."""
    return bytes(int(bits[start : start + 8][::-1], 2) for start in range(0, len(bits), 8))


def _extra(value: int, count: int) -> str:
    return format(value, f"0{count}b")[::-1] if count else ""


def _length_code(size: int) -> str:
    first, code = 3, 257
    while True:
        count = max(0, (code - 261) // 4)
        if size < first + 2**count:
            fixed = format(code - 256, "07b") if code < 280 else format(code - 280 + 0b11000000, "08b")
            return fixed + _extra(size - first, count)
        first, code = first + 2**count, code + 1


def _distance_code(size: int) -> str:
    first, code = 1, 0
    while True:
        count = max(0, code // 2 - 1)
        if size < first + 2**count:
            return format(code, "05b") + _extra(size - first, count)
        first, code = first + 2**count, code + 1


def _program(head: bytes, tail: bytes) -> bytes:
    """Return head + instructions + tail: what it writes is what `head` writes, itself, what `tail` writes."""
    before, behind = len(head) + UNIT, len(tail) + UNIT
    one, four, again = literal(UNIT), literal(4 * UNIT), repeat(4 * UNIT)
    none, first, last = literal(0), literal(before), literal(behind)
    steps = [head, first, head, first, repeat(before), one, repeat(before), one, one]
    steps += [four, repeat(before), one, one, four, again, four, again, four, again, four, again, four, again]
    steps += [none, none, last, again, none, none, last, repeat(behind), tail, repeat(behind), tail]
    return b"".join(steps)


def _deflated(data: bytes, end: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(end)


def _archive(size: int, checksum: int) -> tuple[bytes, bytes]:
    """Return an archive that holds one of `size` bytes, and what it unpacks to."""
    info = tarfile.TarInfo(NAME)
    info.size = size
    header, end = info.tobuf(tarfile.USTAR_FORMAT), bytes(-size % 512 + 1024)
    whole = len(header) + size + len(end)
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _deflated(header, zlib.Z_SYNC_FLUSH)
    trailer = checksum.to_bytes(4, "little") + whole.to_bytes(4, "little")
    made = _program(head, _deflated(end, zlib.Z_FINISH) + trailer)
    return made, header + made + end


def quine() -> bytes:
    """Return the archive that holds itself."""
    size = next(own for own in range(400, 600) if len(_archive(own, 0)[0]) == own)
    return _archive(size, _own_checksum(size))[0]


def _own_checksum(size: int) -> int:
    """Return the checksum c with crc32(unpacked(c)) = c; both sides are affine in the bits of c."""

    def off(checksum: int) -> int:
        return zlib.crc32(_archive(size, checksum)[1]) ^ checksum

    wanted = off(0)
    pivots: dict[int, tuple[int, int]] = {}
    for bit in range(32):
        column, chosen = off(1 << bit) ^ wanted, 1 << bit
        while column and column.bit_length() in pivots:
            other, its = pivots[column.bit_length()]
            column, chosen = column ^ other, chosen ^ its
        if column:
            pivots[column.bit_length()] = column, chosen
    checksum = 0
    while wanted:
        column, chosen = pivots[wanted.bit_length()]
        wanted, checksum = wanted ^ column, checksum ^ chosen
    return checksum
