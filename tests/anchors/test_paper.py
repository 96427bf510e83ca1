"""A receipt on paper: what is scanned or typed gives the bundle's bytes again, or says what is missing."""

import base64
import random
import zlib
from dataclasses import replace

import numpy as np
import pytest

from lakehouse.adapters.qr_codes import QUIET_ZONE, make_code
from lakehouse.core import paper
from lakehouse.core.paper import PaperPart, parse_paper, write_paper
from lakehouse.errors import NotVerified, WrongUse

BUNDLE = random.Random(7).randbytes(3000)
PARTS = write_paper(BUNDLE)
TEXT = "\n".join(part.block() for part in PARTS)


def test_parts_are_short_and_of_characters_that_codes_hold_well() -> None:
    assert len(PARTS) == 6
    assert all(len(part.line()) <= 960 for part in PARTS)
    assert set("".join(part.line() for part in PARTS)) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$%*+-./: ")
    assert all(len(line) <= 65 for line in TEXT.splitlines())


@pytest.mark.parametrize("size", [0, 1, 5, 558, 559, 560, 561, 50_000])
def test_what_is_written_is_read_again(size: int) -> None:
    bundle = random.Random(size).randbytes(size)
    assert parse_paper("\n".join(part.block() for part in write_paper(bundle))) == bundle


def test_order_words_line_breaks_and_a_part_scanned_twice_do_not_matter() -> None:
    scanned = [part.line() for part in reversed(PARTS)] + [PARTS[2].line()]
    broken = "dear reader,\r\n" + "\r\n \r\n".join(scanned).replace("Q", "Q\r\n\t ")
    assert parse_paper(broken) == BUNDLE


def test_missing_parts_are_named() -> None:
    with pytest.raises(NotVerified, match="2 of 6 parts are missing: 2, 5"):
        parse_paper("\n".join(part.block() for part in PARTS if part.number not in (2, 5)))


def test_a_mistyped_character_is_found_in_its_part() -> None:
    piece = PARTS[3].piece
    typed = TEXT.replace(piece[:64], piece[:10] + ("A" if piece[10] != "A" else "B") + piece[11:64])
    with pytest.raises(NotVerified, match="part 4 of 6 does not agree"):
        parse_paper(typed)


def test_without_check_digits_a_mistyped_character_is_not_found_in_its_part(monkeypatch) -> None:
    """The broken variant: the whole is still refused, but nobody learns where to look."""
    piece = PARTS[3].piece
    typed = TEXT.replace(piece[:64], ("A" if piece[0] != "A" else "B") + piece[1:64])
    monkeypatch.setattr(paper.PaperPart, "check", PARTS[3].check)
    with pytest.raises(NotVerified) as caught:
        parse_paper(typed.replace(PARTS[3].check, PARTS[3].check))
    assert "part 4 of 6" not in caught.value.message


def test_every_changed_character_is_refused() -> None:
    small = write_paper(b'{"a":1}\n')[0].line()
    changed = [
        small[:place] + other + small[place + 1 :]
        for place in range(len(small))
        for other in "A2:/ 0"
        if small[place] != other and not (other == " " and place > 26)
    ]
    passed = []
    for text in changed:
        try:
            passed.append(parse_paper(text))
        except NotVerified:
            continue
    assert len(changed) > 150
    assert passed == []


def whole(content: bytes) -> str:
    """Return one part that carries `content` as it is, with right check digits."""
    packed = base64.b32encode(content).decode().rstrip("=")
    return PaperPart(bundle_id="00000000", number=1, count=1, piece=packed).line()


REFUSED = {
    "nothing": "",
    "words": "a letter",
    "a part that is cut off": TEXT[:-2],
    "parts of two bundles": TEXT + write_paper(b"other")[0].block(),
    "two counts": TEXT + replace(PARTS[0], count=7).block(),
    "a number above the count": TEXT + replace(PARTS[0], number=7).block(),
    "one number in two forms": TEXT + replace(PARTS[0], piece=PARTS[1].piece).block(),
    "no compressed data": whole(b"not zlib"),
    "another bundle than its id": whole(zlib.compress(b"bundle")),
    "bytes after the compressed data": whole(zlib.compress(b"bundle") + b"x"),
    "compressed data that is cut off": whole(zlib.compress(b"bundle")[:-1]),
    "a mebibyte of zeros and one": whole(zlib.compress(bytes(paper.LARGEST_BUNDLE + 1))),
    "base32 in another form": whole(zlib.compress(b"bundle"))[:-2] + "7.",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_whole_paper_is_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        parse_paper(text)


def test_a_mebibyte_of_text_is_refused_in_one_pass() -> None:
    with pytest.raises(NotVerified):
        parse_paper(paper.MARK * 80_000)
    with pytest.raises(NotVerified):
        parse_paper("LIVINGLAB:1:00000000:1/1:00000000:" + "A" * 1_000_000)


def test_a_bundle_that_needs_too_many_codes_is_refused() -> None:
    with pytest.raises(WrongUse, match="at most 99") as caught:
        write_paper(random.Random(1).randbytes(60_000))
    assert caught.value.remedy == "give the bundle as a file"


def test_each_code_gives_its_part_to_a_reader() -> None:
    import zxingcpp

    read = []
    for part in PARTS:
        code = make_code(part)
        assert (code.error, code.version <= 20) == ("M", True)
        modules = np.pad(np.array(code.matrix, dtype=np.uint8), QUIET_ZONE)
        picture = np.kron(255 * (1 - modules), np.ones((4, 4), dtype=np.uint8))
        read += [found.text for found in zxingcpp.read_barcodes(picture.astype(np.uint8))]
    assert parse_paper("\n".join(read)) == BUNDLE


def test_a_code_with_a_stain_is_still_read() -> None:
    import zxingcpp

    modules = np.pad(np.array(make_code(PARTS[0]).matrix, dtype=np.uint8), QUIET_ZONE)
    modules[60:72, 60:80] = 1
    picture = np.kron(255 * (1 - modules), np.ones((4, 4), dtype=np.uint8)).astype(np.uint8)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [PARTS[0].line()]
