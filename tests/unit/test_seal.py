import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakehouse.adapters.key_tree import frame_parts, open_bytes, seal_bytes
from lakehouse.errors import Damaged
from lakehouse.methods.seal import open_values, seal_constant, seal_values
from lakehouse.methods.unseal import open_column

KEYS = {"ann": b"a" * 32, "ben": b"b" * 32}
SUBJECTS = pa.array(["ann", "ben", "ann"])
VALUES = pa.array(["GaPt03", None, "GaPt03"])
BATCHES = pa.array([7, 7, 7])


def sealed(**changes):
    return seal_values(VALUES, SUBJECTS, KEYS, **{"table": "bronze.x", "column": "id", "batch": 7} | changes)


def opened(blobs, subjects=SUBJECTS, **changes):
    place = {"table": "bronze.x", "column": "id", "batches": BATCHES} | changes
    return open_values(blobs, subjects, KEYS, **place)


def test_what_is_sealed_opens_again():
    """Texts come back, nulls stay null, and equal values of a subject share a blob."""
    blobs = sealed()
    assert opened(blobs).to_pylist() == VALUES.to_pylist()
    assert blobs[0] == blobs[2]
    assert b"GaPt03" not in blobs[0].as_py()


def test_a_blob_names_its_suite():
    """One suite byte, twelve of nonce, sixteen of tag."""
    blob = seal_constant("GaPt03", "ann", KEYS["ann"], table="t", column="c", batch=1)
    assert (blob[0], len(blob)) == (1, 1 + 12 + 6 + 16)


def test_an_unknown_suite_is_refused():
    """Suite 2 does not exist, whatever follows."""
    blob = sealed()[0].as_py()
    with pytest.raises(Damaged, match="names suite 2"):
        opened(pa.array([b"\x02" + blob[1:], None, None]))


@pytest.mark.parametrize(
    "place",
    [
        {"table": "bronze.y"},
        {"column": "name"},
        {"batches": pa.array([8, 8, 8])},
        {"rows": pa.array([1, 2, 3])},
    ],
)
def test_a_blob_opens_only_in_its_place(place):
    """Another table, column, batch, or a row number that was not there: refused."""
    with pytest.raises(Damaged, match="does not open"):
        opened(sealed(), **place)


def test_free_text_is_bound_to_its_row():
    """With rows given, two equal notes have two blobs, and swapping them is refused."""
    blobs = sealed(rows=pa.array([1, 2, 3]))
    assert blobs[0] != blobs[2]
    assert opened(blobs, rows=pa.array([1, 2, 3])).to_pylist() == VALUES.to_pylist()
    with pytest.raises(Damaged):
        opened(blobs, rows=pa.array([3, 2, 1]))


def test_every_single_changed_byte_is_found():
    """Suite, nonce, ciphertext or tag: no byte of a blob can be changed."""
    blob = seal_constant("note", "ann", KEYS["ann"], table="t", column="c", batch=1)
    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(Damaged):
            opened(pa.array([changed]), pa.array(["ann"]), table="t", column="c", batches=pa.array([1]))


def test_swapping_two_people_is_found_by_us_and_missed_by_a_broken_seal():
    """The pseudonym is in the associated data. A seal under one key for all, without it, opens swapped."""
    one_key = {"ann": b"k" * 32, "ben": b"k" * 32}
    place = {"table": "t", "column": "c"}
    values, people = pa.array(["of ann", "of ben"]), pa.array(["ann", "ben"])
    blobs = seal_values(values, people, one_key, batch=1, **place)
    with pytest.raises(Damaged):
        open_values(blobs, people[::-1], one_key, batches=pa.array([1, 1]), **place)

    cipher = AESGCM(b"k" * 32)
    without_person = frame_parts("t", "c", "1")
    broken = [seal_bytes(cipher, value.encode(), without_person) for value in ("of ann", "of ben")]
    assert [open_bytes(cipher, blob, without_person) for blob in reversed(broken)] == [b"of ben", b"of ann"]


def test_places_are_framed():
    """('ab', 'c') and ('a', 'bc') are two places; joined texts would be one."""
    assert frame_parts("ab", "c") != frame_parts("a", "bc")


def test_a_value_without_a_subject_key_is_refused():
    """Nothing is dropped silently."""
    with pytest.raises(Damaged, match="no subject key"):
        seal_values(VALUES, pa.array([None, None, None]), KEYS, table="t", column="c", batch=1)


def test_a_column_of_bronze_opens_by_name():
    """`<name>__sealed` with the places that the row carries."""
    rows = pa.table({
        "subject": SUBJECTS, "batch": BATCHES, "row": [1, 2, 3],
        "id__sealed": seal_values(
            VALUES, SUBJECTS, KEYS, table="bronze.x", column="id", batch=7, rows=pa.array([1, 2, 3])
        ),
    })  # fmt: skip
    assert open_column(rows, "id", KEYS, table="bronze.x", by_row=True).to_pylist() == VALUES.to_pylist()
