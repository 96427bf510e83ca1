"""Signed notes, verifier keys and checkpoints, as C2SP writes them.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint. Checking a signature is passed in: this
module is text only. Malformed input is `NotVerified`. What witnesses sign: `core.cosignature`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from lakehouse.core.merkle import HASH_BYTES, LARGEST_TREE
from lakehouse.errors import NotVerified

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
COSIGNATURE_ML_DSA_44 = 0x06
KEY_BYTES = {ED25519: 32, COSIGNATURE_V1: 32, COSIGNATURE_ML_DSA_44: 1312}
"""Bytes of a public key, by signature type."""
LARGEST_NOTE = 131_072
"""Characters: room for the sixteen post-quantum signatures that every verifier must accept."""
MOST_SIGNATURES = 64

_SIGNATURE_START = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]{1,255}")
_VKEY = re.compile(r"([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A name, a signature type and a public key (32 bytes Ed25519, 1312 bytes ML-DSA-44)."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return SHA-256(name || LF || type || key)[:4]."""
        material = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(material).digest()[:4]

    def render(self) -> str:
        """Return the vkey text `name+id+key`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.algorithm]) + self.public)}"


VerifySignature: TypeAlias = Callable[[VerifierKey, bytes, bytes], bool]
"""(key, signature, message) -> whether `key` made the bare signature over the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    signature: bytes

    def render(self) -> str:
        """Return the line without its newline."""
        return f"{_SIGNATURE_START}{self.name} {encode_base64(self.key_id + self.signature)}"

    def is_of(self, key: VerifierKey) -> bool:
        """Say whether the line claims to be made by `key`: name and id together."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A text (its last newline included) and its signature lines."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def render(self) -> str:
        """Return text, blank line, signature lines."""
        return self.text + "\n" + "".join(line.render() + "\n" for line in self.signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: origin, number of leaves, root (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def render(self) -> str:
        """Return the note text that is signed."""
        return "\n".join([self.origin, str(self.size), encode_base64(self.root), *self.extensions]) + "\n"


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes of base64 in its one canonical form."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise NotVerified(f"{what} is not base64") from error
    if encode_base64(data) != text:
        raise NotVerified(f"{what} is not base64 in canonical form")
    return data


def parse_decimal(text: str, what: str) -> int:
    """Return a whole number written without sign or leading zero."""
    if not _DECIMAL.fullmatch(text):
        raise NotVerified(f"{what} is not a decimal number")
    return int(text)


def parse_vkey(text: str) -> VerifierKey:
    """Return the key of a vkey line; the id must be that of the key."""
    match = _VKEY.fullmatch(text)
    if match is None:
        raise NotVerified("a verifier key is not of the form name+id+key")
    material = decode_base64(match[3], "a verifier key")
    if not material or len(material) - 1 != KEY_BYTES.get(material[0]):
        raise NotVerified("a verifier key is neither an Ed25519 key nor an ML-DSA-44 key")
    key = VerifierKey(name=match[1], algorithm=material[0], public=material[1:])
    if key.render() != text:
        raise NotVerified("the id of a verifier key does not belong to the key")
    return key


def parse_note(text: str) -> SignedNote:
    """Return the parts of a signed note; nothing of it is verified yet."""
    if len(text) > LARGEST_NOTE or _CONTROL.search(text):
        raise NotVerified("a note is too long or holds a control character")
    body, blank, tail = text.rpartition("\n\n")
    if not blank or not body or not tail.endswith("\n"):
        raise NotVerified("a note has no signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NotVerified(f"a note has more than {MOST_SIGNATURES} signatures")
    return SignedNote(text=body + "\n", signatures=tuple(_parse_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NotVerified("a checkpoint has fewer than three lines or an empty one")
    root = decode_base64(lines[2], "the root of a checkpoint")
    size = parse_decimal(lines[1], "the size of a checkpoint")
    if len(root) != HASH_BYTES or size > LARGEST_TREE:
        raise NotVerified("a checkpoint's root or size is out of range")
    return Checkpoint(origin=lines[0], size=size, root=root, extensions=tuple(lines[3:-1]))


def verify_note(note: SignedNote, key: VerifierKey, verify: VerifySignature) -> None:
    """Raise `NotVerified` unless `key` signed the note's text, and each line in its name is genuine."""
    lines = [line for line in note.signatures if line.is_of(key)]
    if not lines:
        raise NotVerified(f"no signature of {key.name} ({key.key_id.hex()})")
    for line in lines:
        if not verify(key, line.signature, note.text.encode()):
            raise NotVerified(f"a signature in the name of {key.name} is not genuine")


def keep_known(note: SignedNote, keys: Collection[VerifierKey]) -> SignedNote:
    """Return a note from the network with the lines that claim to be by one of `keys`; others are ignored."""
    known = tuple(line for line in note.signatures if any(line.is_of(key) for key in keys))
    return replace(note, signatures=known)


def unknown_lines(note: SignedNote, keys: Collection[VerifierKey]) -> int:
    """Return how many signature lines are by none of `keys`: a document of ours has none."""
    return len(note.signatures) - len(keep_known(note, keys).signatures)


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_SIGNATURE_START).rpartition(" ")
    if not line.startswith(_SIGNATURE_START) or not space or not _NAME.fullmatch(name):
        raise NotVerified("a signature line of a note is malformed")
    data = decode_base64(encoded, "a signature of a note")
    if len(data) < 5:
        raise NotVerified("a signature of a note is too short")
    return NoteSignature(name=name, key_id=data[:4], signature=data[4:])
