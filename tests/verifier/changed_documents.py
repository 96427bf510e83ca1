"""Documents changed in every way we can think of, the same ways on each run."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from lakehouse.core.canonical import canonical_json
from lakehouse.errors import WrongUse

Json: TypeAlias = Any
ODD_VALUES: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**53 - 1,
    "",
    "0",
    "é",
    "\u2028",
    [],
    {},
    [0],
    {"a": 1},
)
ODD_TEXTS = (
    "\n",
    "\n\n",
    " ",
    "\x00",
    "\x7f",
    "=",
    "A",
    "+",
    "— ",
    "é",
    "\u2003",
    "00",
    "9" * 20,
    "\U0001f600",
)


def changed(documents: Sequence[bytes], count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield `count` times (which document, its changed bytes)."""
    rng = random.Random(seed)
    for number in range(count):
        place = number % len(documents)
        change = rng.choices(CHANGES, WEIGHTS)[0]
        yield place, change(rng, documents[place], rng.choice(documents))


def change_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Flip a bit, set, drop, double or insert a byte, or cut the end off."""
    place = rng.randrange(len(data))
    before, byte, after = data[:place], data[place : place + 1], data[place + 1 :]
    return rng.choice(
        (
            before + bytes([byte[0] ^ 1 << rng.randrange(8)]) + after,
            before + bytes([rng.randrange(256)]) + after,
            before + after,
            before + byte + byte + after,
            before + bytes([rng.randrange(256)]) + byte + after,
            before,
            data + byte,
        )
    )


def change_layout(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Write the same JSON in another way, or a field of it twice."""
    fields = _parsed(data)
    if not isinstance(fields, dict) or not fields:
        return data + b"\n"
    name = rng.choice(sorted(fields))
    doubled = json.dumps({name: fields[name]}, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()
    return rng.choice(
        (
            json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n",
            json.dumps(fields, separators=(",", ":")).encode() + b"\n",
            json.dumps(dict(sorted(fields.items(), reverse=True)), separators=(",", ":")).encode() + b"\n",
            b"{" + doubled + b"," + data[1:],
            b"\xef\xbb\xbf" + data,
            data[:-1] + b"\r\n",
        )
    )


def change_value(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change one value somewhere in the document and keep the canonical form."""
    fields, others = _parsed(data), _parsed(other)
    places = list(_places(fields))
    if not places:
        return change_bytes(rng, data, other)
    holder, key = rng.choice(places)
    kind = rng.randrange(8)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = rng.choice(ODD_VALUES)
    elif kind == 2 and isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), holder[key])
    elif kind == 2:
        holder[f"{key}x"] = holder[key]
    elif kind == 3:
        there, name = rng.choice(places)
        holder[key], there[name] = there[name], holder[key]
    elif kind == 4 and (similar := [(h, k) for h, k in _places(others) if k == key]):
        there, name = rng.choice(similar)
        holder[key] = there[name]
    else:
        holder[key] = _changed_leaf(rng, holder[key])
    return _rendered(fields, data)


def change_line(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Change the lines of one note or proof in the document: drop, double, swap, edit, or take another's."""
    fields, others = _parsed(data), _parsed(other)
    places = [(holder, key) for holder, key in _places(fields) if _is_note(holder[key])]
    if not places:
        return change_value(rng, data, other)
    holder, key = rng.choice(places)
    lines = holder[key].split("\n")
    place = rng.randrange(len(lines))
    foreign = [holder[key] for holder, key in _places(others) if _is_note(holder[key])]
    kind = rng.randrange(6)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(place, lines[rng.randrange(len(lines))])
    elif kind == 2:
        second = rng.randrange(len(lines))
        lines[place], lines[second] = lines[second], lines[place]
    elif kind == 3 and foreign:
        lines[place] = rng.choice(rng.choice(foreign).split("\n"))
    elif kind == 4 and foreign:
        lines = [
            *holder[key].rpartition("\n\n")[0].split("\n"),
            "",
            *rng.choice(foreign).rpartition("\n\n")[2].split("\n"),
        ]
    else:
        lines[place] = _changed_text(rng, lines[place])
    holder[key] = "\n".join(lines)
    return _rendered(fields, data)


CHANGES: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    change_bytes,
    change_layout,
    change_value,
    change_line,
)
WEIGHTS = (15, 5, 50, 30)


def _changed_leaf(rng: random.Random, value: Json) -> Json:
    if isinstance(value, bool) or value is None:
        return rng.choice(ODD_VALUES)
    if isinstance(value, int):
        return rng.choice(
            (value + 1, value - 1, value ^ 1 << rng.randrange(8), float(value), str(value), value << 40)
        )
    if isinstance(value, str):
        return _changed_text(rng, value)
    if isinstance(value, list):
        return rng.choice((value[::-1], value[1:], value[:-1], value + value, [value]))
    return rng.choice(({**value, "more": 1}, [value], dict(list(value.items())[1:])))


def _changed_text(rng: random.Random, text: str) -> str:
    if not text:
        return rng.choice(ODD_TEXTS)
    place = rng.randrange(len(text))
    sign = text[place]
    number = str(int(text) + rng.choice((-1, 1, 2**62))) if text.isascii() and text.isdigit() else text[::-1]
    return rng.choice(
        (
            text[:place] + text[place + 1 :],
            text[:place] + rng.choice(ODD_TEXTS) + text[place:],
            text[:place] + chr(ord(sign) ^ 1) + text[place + 1 :],
            text.swapcase(),
            text[:place],
            number,
            "0" + text,
            _other_spelling(text),
            _flipped_base64(rng, text),
        )
    )


def _other_spelling(text: str) -> str:
    """Return base64 with its unused bits set, or without its padding."""
    if text.endswith("=") and text[-2] != "=":
        return text[:-2] + chr(ord(text[-2]) + 1) + "="
    return text.rstrip("=") if text.endswith("=") else text + "="


def _flipped_base64(rng: random.Random, text: str) -> str:
    """Return the text with one bit flipped in the bytes of its last base64 word."""
    start, space, word = text.rpartition(" ")
    try:
        data = bytearray(base64.b64decode(word, validate=True))
    except ValueError:
        return text.upper()
    if not data:
        return text + "A"
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return start + space + base64.b64encode(bytes(data)).decode()


def _places(value: Json) -> Iterator[tuple[Any, Any]]:
    """Yield (holder, key or index) of every value inside."""
    if isinstance(value, dict):
        keys: list[Any] = sorted(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    else:
        keys = []
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _is_note(value: Json) -> bool:
    return isinstance(value, str) and "\n\n" in value


def _parsed(data: bytes) -> Json:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _rendered(fields: Json, data: bytes) -> bytes:
    try:
        return canonical_json(fields) + b"\n"
    except WrongUse:
        return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode() + data[-1:]
