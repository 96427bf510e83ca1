"""An inclusion proof with its checkpoint as one text: https://c2sp.org/tlog-proof."""

import re
from dataclasses import dataclass

from lakehouse.core.checkpoint import (
    SignedNote,
    decode_base64,
    encode_base64,
    parse_decimal,
    parse_note,
)
from lakehouse.core.merkle import HASH_BYTES
from lakehouse.errors import NotVerified

HEADER = "c2sp.org/tlog-proof@v1"
LONGEST_PATH = 63
_LAYOUT = re.compile(rf"{re.escape(HEADER)}\nindex ([0-9]+)\n((?:[^\n]+\n)*)\n(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Leaf number, audit path (32-byte hashes, the leaf's sibling first) and the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: SignedNote

    def render(self) -> str:
        """Return the text of a `.tlog-proof` file, without extra data."""
        lines = [HEADER, f"index {self.index}", *(encode_base64(node) for node in self.path)]
        return "\n".join(lines) + "\n\n" + self.checkpoint.render()


def parse_proof(text: str) -> InclusionProof:
    """Return the proof of a text that `render` would write; anything else is `NotVerified`."""
    match = _LAYOUT.fullmatch(text)
    if match is None:
        raise NotVerified(f"a proof is not of the form {HEADER} without extra data")
    index, path, checkpoint = match[1], match[2].split("\n")[:-1], match[3]
    return InclusionProof(
        index=parse_decimal(index, "the index of a proof"),
        path=decode_path(path),
        checkpoint=parse_note(checkpoint),
    )


def decode_path(lines: list[str]) -> tuple[bytes, ...]:
    """Return the hashes of a path from base64."""
    if len(lines) > LONGEST_PATH:
        raise NotVerified(f"a path has {len(lines)} hashes, more than any tree is high")
    path = tuple(decode_base64(line, "a hash of a path") for line in lines)
    if any(len(node) != HASH_BYTES for node in path):
        raise NotVerified(f"a hash of a path is not {HASH_BYTES} bytes long")
    return path
