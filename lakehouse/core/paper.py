"""A proof bundle on paper: parts of bounded length that a phone reads as QR codes and a person can type.

    LIVINGLAB:1:<id>:<n>/<count>:<check>:<piece>.

The bundle's bytes, compressed (RFC 1950), as base32 without padding (RFC 4648), cut into pieces. `id` is the
beginning of the bundle's SHA-256, `check` that of `<id>:<n>/<count>:<piece>`: it finds a slip in one part.
docs/proofs.md describes the format. Paper adds no trust: what is read from it is verified like any bundle.
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.errors import NotVerified, WrongUse

MARK = "LIVINGLAB:1:"
PIECE_CHARACTERS = 896
LINE_CHARACTERS = 64
MOST_PARTS = 99
LARGEST_BUNDLE = 1 << 20
_PART = re.compile(
    r"LIVINGLAB:1:([0-9A-F]{8}):([1-9][0-9]?)/([1-9][0-9]?):([0-9A-F]{8}):([A-Z2-7\s]+)\.", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperPart:
    """Part `number` of `count` of the bundle `bundle_id` (8 hex digits, upper case)."""

    bundle_id: str
    number: int
    count: int
    piece: str

    @property
    def check(self) -> str:
        """Return the 8 hex digits that find a slip in this part."""
        return _digits(f"{self._place()}:{self.piece}".encode())

    def line(self) -> str:
        """Return the part as one line: what its QR code holds."""
        return f"{self._head()}{self.piece}."

    def block(self) -> str:
        """Return the part as lines of at most 64 characters, to be printed and typed."""
        starts = range(0, len(self.piece), LINE_CHARACTERS)
        lines = [self.piece[start : start + LINE_CHARACTERS] for start in starts]
        return "\n".join([self._head(), *lines]) + ".\n"

    def _place(self) -> str:
        return f"{self.bundle_id}:{self.number}/{self.count}"

    def _head(self) -> str:
        return f"{MARK}{self._place()}:{self.check}:"


def write_paper(bundle: bytes) -> tuple[PaperPart, ...]:
    """Return the parts of a bundle; WrongUse where it is too large for paper."""
    packed = base64.b32encode(zlib.compress(bundle, 9)).decode().rstrip("=")
    count = -(-len(packed) // PIECE_CHARACTERS)
    if len(bundle) > LARGEST_BUNDLE or count > MOST_PARTS:
        raise WrongUse(
            f"a proof of {len(bundle)} bytes would take {count} codes, at most {MOST_PARTS} fit on paper",
            remedy="give the bundle as a file",
        )
    pieces = [packed[start : start + PIECE_CHARACTERS] for start in range(0, len(packed), PIECE_CHARACTERS)]
    return tuple(
        PaperPart(bundle_id=_digits(bundle), number=number, count=count, piece=piece)
        for number, piece in enumerate(pieces, 1)
    )


def parse_paper(text: str) -> bytes:
    """Return the bundle bytes of a paper's parts, in any order, with any words around them.

    Raises NotVerified naming the parts that are missing or do not agree with their check digits.
    """
    parts = [_read_part(match) for match in _PART.finditer(text)]
    if not parts or len(parts) != text.count(MARK):
        raise NotVerified(f"{text.count(MARK)} parts of a proof begin in this text, {len(parts)} are whole")
    pieces = _join_pieces(parts)
    bundle = _unpack("".join(pieces))
    if _digits(bundle) != parts[0].bundle_id:
        raise NotVerified(f"the parts do not give the proof {parts[0].bundle_id}")
    return bundle


def unfold_document(data: bytes) -> bytes:
    """Return the bundle of a file that may be a paper's text or page; other files as they are."""
    if data.startswith(b"{") or MARK.encode() not in data:
        return data
    return parse_paper(data.decode("utf-8", errors="replace"))


def _read_part(match: re.Match[str]) -> PaperPart:
    bundle_id, number, count, check, piece = match.groups()
    part = PaperPart(bundle_id=bundle_id, number=int(number), count=int(count), piece="".join(piece.split()))
    if part.check != check:
        raise NotVerified(f"part {number} of {count} does not agree with its check digits")
    return part


def _join_pieces(parts: Sequence[PaperPart]) -> list[str]:
    if len({(part.bundle_id, part.count) for part in parts}) > 1:
        raise NotVerified("the parts are of more than one proof")
    count = parts[0].count
    pieces: dict[int, str] = {}
    for part in parts:
        if part.number > count or pieces.setdefault(part.number, part.piece) != part.piece:
            raise NotVerified(f"part {part.number} of {count} stands there in two forms")
    missing = [str(number) for number in range(1, count + 1) if number not in pieces]
    if missing:
        raise NotVerified(
            f"{len(missing)} of {count} parts are missing: {', '.join(missing)}", remedy="scan or type them"
        )
    return [pieces[number] for number in range(1, count + 1)]


def _unpack(packed: str) -> bytes:
    try:
        content = base64.b32decode(packed + "=" * (-len(packed) % 8))
        stream = zlib.decompressobj()
        bundle = stream.decompress(content, LARGEST_BUNDLE + 1)
    except (binascii.Error, zlib.error) as error:
        raise NotVerified("the parts are not a compressed proof") from error
    if base64.b32encode(content).decode().rstrip("=") != packed:
        raise NotVerified("the parts are not in canonical form")
    if len(bundle) > LARGEST_BUNDLE or not stream.eof or stream.unused_data:
        raise NotVerified(f"the parts hold more than {LARGEST_BUNDLE} bytes, or a proof that is cut off")
    return bundle


def _digits(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8].upper()
