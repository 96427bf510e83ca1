"""What log and witness say to each other: https://c2sp.org/tlog-witness, as text.

A request is an old size line, the consistency path from it, an empty line and the log's signed checkpoint.
Malformed text is `NotVerified`; nothing is verified here.
"""

import re
from dataclasses import dataclass

from lakehouse.core.checkpoint import (
    LARGEST_NOTE,
    NoteSignature,
    SignedNote,
    encode_base64,
    parse_decimal,
    parse_note,
)
from lakehouse.core.merkle import node_hash
from lakehouse.core.proof import LONGEST_PATH, decode_path
from lakehouse.errors import NotVerified

SIZE_TYPE = "text/x.tlog.size"
LARGEST_REQUEST = LARGEST_NOTE + 64 * (LONGEST_PATH + 2)
"""Bytes of a request body: a note, its path and the old size line fit, nothing larger is read."""

LARGEST_ANSWER = LARGEST_NOTE
_LAYOUT = re.compile(r"old ([0-9]+)\n((?:[^\n]+\n)*)\n(.*)", re.DOTALL)
_SIGNED_BY = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A head that a log asks a witness to cosign, with the path from the head of `old` leaves to it."""

    old: int
    path: tuple[bytes, ...]
    note: SignedNote

    def render(self) -> str:
        """Return the request body."""
        lines = [f"old {self.old}", *(encode_base64(node) for node in self.path)]
        return "\n".join(lines) + "\n\n" + self.note.render()


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Return the request of a body; anything malformed is `NotVerified`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotVerified("a request is not UTF-8") from error
    match = _LAYOUT.fullmatch(text)
    if match is None:
        raise NotVerified("a request does not begin with an old size line, hashes and an empty line")
    return AddCheckpoint(
        old=parse_decimal(match[1], "the old size"),
        path=decode_path(match[2].split("\n")[:-1]),
        note=parse_note(match[3]),
    )


def parse_cosignatures(text: str, note: SignedNote) -> tuple[NoteSignature, ...]:
    """Return the signature lines of a witness's answer about `note`."""
    if not text.startswith(_SIGNED_BY):
        raise NotVerified("an answer of a witness holds no signature line")
    return parse_note(f"{note.text}\n{text}").signatures


def parse_stored_size(text: str) -> int:
    """Return the size in an answer of the type `SIZE_TYPE`."""
    if not text.endswith("\n"):
        raise NotVerified("a size does not end with a newline")
    return parse_decimal(text[:-1], "the size that a witness tells")


def continued_root(old: int, new: int, path: tuple[bytes, ...]) -> bytes | None:
    """Return the root of the first `old` leaves that a consistency path to `new` leaves speaks of.

    None where `old` is a power of two: such a path does not hold that root. Climbs as RFC 9162, 2.1.4.2.
    """
    if not 0 < old < new or old & (old - 1) == 0 or not path:
        return None
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    node = path[0]
    for sibling in path[1:]:
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    return node
