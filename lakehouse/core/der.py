"""Distinguished Encoding Rules (X.690) as far as time stamps need them: tags of one byte, short contents.

A reader of this kind accepts one encoding of a thing; any other is `NotVerified`, naming the thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.errors import NotVerified

_LONG_TAG = 0x1F


@dataclass(frozen=True, slots=True, kw_only=True)
class DerElement:
    """One tag-length-value: `whole` holds all three, `content` the value's bytes."""

    tag: int
    content: bytes
    whole: bytes


def read_elements(data: bytes, what: str) -> list[DerElement]:
    """Return the elements that `data` consists of, with not a byte between or after them."""
    elements = []
    position = 0
    while position < len(data):
        element = _element_at(data, position, what)
        elements.append(element)
        position += len(element.whole)
    return elements


def read_element(data: bytes, tag: int | None, what: str) -> DerElement:
    """Return the one element that `data` is; `tag` is the one it must have, if any."""
    elements = read_elements(data, what)
    if len(elements) != 1 or tag not in (None, elements[0].tag):
        raise NotVerified(f"{what} is not the one value that must stand there")
    return elements[0]


def require_shape(elements: Sequence[DerElement], tags: Sequence[int], what: str) -> None:
    """Raise `NotVerified` unless the elements have exactly these tags; no INTEGER or OID is empty."""
    if [element.tag for element in elements] != list(tags):
        raise NotVerified(f"{what} has other fields than it must have")
    if any(not element.content for element in elements):
        raise NotVerified(f"{what} has an empty field")


def encode_element(tag: int, content: bytes) -> bytes:
    """Return tag, minimal length and content; `content` is shorter than 65,536 bytes."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes(1 if size <= 0xFF else 2, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _element_at(data: bytes, start: int, what: str) -> DerElement:
    head = data[start : start + 4]
    if len(head) < 2 or head[0] & _LONG_TAG == _LONG_TAG:
        raise NotVerified(f"{what} is not DER: a value without tag or length")
    octets = head[1] - 0x80 if head[1] >= 0x80 else 0
    if octets > 2 or head[1] == 0x80 or len(head) < 2 + octets:
        raise NotVerified(f"{what} is not DER: a length of unknown form")
    size = int.from_bytes(head[2 : 2 + octets], "big") if octets else head[1]
    whole = data[start : start + 2 + octets + size]
    content = whole[2 + octets :]
    if len(content) != size or whole != encode_element(head[0], content):
        raise NotVerified(f"{what} is not DER: a length that is cut off or not the shortest")
    return DerElement(tag=head[0], content=content, whole=whole)
