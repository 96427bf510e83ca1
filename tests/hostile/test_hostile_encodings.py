"""Texts of every script and encoding: taken letter for letter, or set aside; never mangled."""

import json

import pytest
from hostile_contracts import HEADER, read_bytes, read_rows, readings, row, shipped, verdicts

from lakehouse.errors import ContractError
from lakehouse.readers import csv
from lakehouse.readers.input_files import FileRows

NOTES = shipped("clinic_notes")
SPOKEN = {
    "french": "Mme Lefèvre, née à Besançon – 37,5 °C",
    "euro": "30 € le “flacon”",
    "japanese": "患者は転倒した",
    "hebrew, right to left": "\u202eחולה\u202c שלום",
    "emoji": "👩\u200d⚕️ 🇫🇷",
    "combining": "e\u0301 ≠ é",
    "byte order mark inside": "a\ufeffb",
    "replacement character": "a\ufffdb",
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "shift_jis", "utf-7"]


def taken_or_aside(found: FileRows, column: str, text: str) -> None:
    """The text itself, or a reason; no other text."""
    values = found.rows[column].to_pylist()
    assert values == [text] if values else found.rejected


def _holds(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


WRITTEN = [(name, encoding) for name in SPOKEN for encoding in ENCODINGS if _holds(SPOKEN[name], encoding)]


@pytest.mark.parametrize(("language", "encoding"), WRITTEN)
def test_whatever_encoding_comes_the_text_stays_or_is_set_aside(language: str, encoding: str) -> None:
    """Every encoding against contracts that expect UTF-8, ASCII, Latin-1, cp1252 or Shift-JIS."""
    text = SPOKEN[language]
    data = f"{HEADER}\n{row(note=text.replace(',', ';'))}\n".encode(encoding)
    for expected in ("utf-8", "ascii", "latin-1", "cp1252", "shift_jis"):
        contract = readings(format_options={"encoding": expected})
        found = read_bytes(contract, data)
        if (encoding, expected) not in KNOWN_ALIKE:
            taken_or_aside(found, "note", text.replace(",", ";"))
        if encoding == expected and language not in ("byte order mark inside",):
            assert verdicts(found) == ["accepted"]


KNOWN_ALIKE = {
    ("cp1252", "shift_jis"), ("latin-1", "shift_jis"), ("shift_jis", "cp1252"), ("shift_jis", "latin-1"),
    ("latin-1", "cp1252"), ("cp1252", "latin-1"),
    ("utf-7", "utf-8"), ("utf-7", "ascii"), ("utf-7", "latin-1"), ("utf-7", "cp1252"), ("utf-7", "shift_jis"),
}  # fmt: skip
"""What no byte tells apart: a contract must name its encoding rightly. UTF-7 is ASCII to everybody."""


def test_the_euro_of_cp1252_is_no_latin_1() -> None:
    """0x80 is a control character in Latin-1: no text has one."""
    data = f"{HEADER}\n{row(note='30 €')}\n".encode("cp1252")
    assert verdicts(read_bytes(readings(format_options={"encoding": "latin-1"}), data)) == ["bad_encoding"]


def test_a_reader_that_decodes_anything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant makes of UTF-8 what Latin-1 says: the well known two letters for one."""
    monkeypatch.setattr(csv, "_decoded", lambda raw, encoding: raw.decode(encoding, "replace"))
    found = read_bytes(
        readings(format_options={"encoding": "latin-1"}), f"{HEADER}\n{row(note='née')}".encode()
    )
    with pytest.raises(AssertionError):
        taken_or_aside(found, "note", "née")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7", "rot13", "hex", "base64", "cp037"])
def test_an_encoding_that_is_not_one_of_lines_is_refused(encoding: str) -> None:
    with pytest.raises(ContractError, match="encoding"):
        read_bytes(readings(format_options={"encoding": encoding}), b"x")


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff", "\\ud83d x", "\\udc00\\ud800"])
def test_half_of_a_surrogate_pair_is_set_aside(half: str) -> None:
    """No encoding can store it; as a text, as the name of a key, in a record."""
    line = f'{{"note_id":"n1","person_id":"C-1","text":"{half}"}}'
    key = f'{{"note_id":"n1","person_id":"C-1","text":"t","{half}":1}}'
    for own in (line, key):
        assert verdicts(read_bytes(NOTES, own.encode())) == ["bad_encoding"]
    patient = f'{{"resourceType":"Patient","id":"a","name":[{{"family":"{half}"}}]}}'
    assert verdicts(read_bytes(shipped("ehr"), patient.encode())) == ["bad_encoding"]


def test_a_surrogate_encoded_in_bytes_is_no_utf_8() -> None:
    line = b'{"note_id":"n1","person_id":"C-1","text":"\xed\xa0\x80"}'
    assert verdicts(read_bytes(NOTES, line)) == ["bad_encoding"]


def test_a_zero_byte_makes_no_text_and_an_escaped_one_is_a_letter() -> None:
    line = b'{"note_id":"n1","person_id":"C-1","text":"a\x00b"}'
    assert [aside.reason for aside in read_bytes(NOTES, line).rejected] == ["unreadable_file"]
    escaped = b'{"note_id":"n1","person_id":"C-1","text":"a\\u0000b"}'
    assert read_bytes(NOTES, escaped).rows["text"].to_pylist() == ["a\0b"]


def test_old_line_ends_are_not_one_silent_header() -> None:
    """Returns alone: the whole file would be its header and its rows lost."""
    data = "\r".join([HEADER, row(), row()]).encode()
    assert [aside.reason for aside in read_bytes(readings(), data).rejected] == ["column_gone"]


def naughty_strings(shared_data) -> list[str]:
    path = shared_data.parent / "vectors" / "naughty-strings" / "blns.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_naughty_strings_come_through_letter_for_letter(shared_data) -> None:
    """Big List of Naughty Strings, as notes in JSON lines and as delimited text."""
    strings = naughty_strings(shared_data)
    lines = [json.dumps({"note_id": f"n{n}", "person_id": "C-1", "text": s}) for n, s in enumerate(strings)]
    found = read_bytes(NOTES, "\n".join(lines).encode())
    taken = dict(zip(found.rows["note_id"].to_pylist(), found.rows["text"].to_pylist(), strict=True))
    aside = {row.row: row.reason for row in found.rejected}
    for number, text in enumerate(strings):
        assert taken.get(f"n{number}") == text or aside[number + 1] == "missing_value"


def test_the_naughty_strings_in_delimited_text(shared_data) -> None:
    strings = [text.replace("\n", " ") for text in naughty_strings(shared_data)]
    quoted = ['"' + text.replace('"', '""') + '"' for text in strings]
    rows = [row(note=text, device=f"D{n}") for n, text in enumerate(quoted)]
    found = read_rows(rows, readings(increasing=None))
    taken = dict(zip(found.rows["device"].to_pylist(), found.rows["note"].to_pylist(), strict=True))
    aside = {row.row: row.reason for row in found.rejected}
    for number, text in enumerate(strings):
        kept = taken.get(f"D{number}")
        assert kept in (text, text or None) if f"D{number}" in taken else aside[number + 1]
    assert len(taken) > 0.95 * len(strings)
