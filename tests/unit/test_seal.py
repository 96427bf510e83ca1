import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.adapters.key_tree import frame_parts, open_bytes, seal_bytes
from lakehouse.errors import Damaged
from lakehouse.methods.seal import CellCipher, seal_constant
from lakehouse.methods.unseal import OPENED_ROWS, open_column

KEYS = {"ann": b"a" * 32, "ben": b"b" * 32, "": b"c" * 32, "Zoë\0": b"d" * 32}
SUBJECTS = pa.array(["ann", "ben", "ann"])
VALUES = pa.array(["GaPt03", None, "GaPt03"])
BATCHES = pa.array([7, 7, 7])
NUMBERS = pa.array([1, 2, 3])


def cipher(subjects=SUBJECTS, batches=BATCHES, *, table="bronze.x", keys=KEYS):
    return CellCipher(subjects, batches, keys, table=table)


def sealed(rows=None):
    return cipher().seal("id", VALUES, rows)


def opened(blobs, *, column="id", rows=None, **changes):
    return cipher(**changes).open(column, blobs, rows)


def sealed_alone(text):
    """One row of Ann's in batch 1."""
    return cipher(pa.array(["ann"]), pa.array([1])).seal("id", pa.array([text]))[0].as_py()


def test_what_is_sealed_opens_again():
    """Texts come back, nulls stay null, and equal values of a subject share a blob."""
    blobs = sealed()
    assert opened(blobs).to_pylist() == VALUES.to_pylist()
    assert blobs[0] == blobs[2]
    assert b"GaPt03" not in blobs[0].as_py()


def test_what_a_file_says_once_opens_in_each_of_its_rows():
    """A constant is sealed once, in the place that a cell of its column has."""
    blob = seal_constant("GaPt03", "ann", KEYS["ann"], table="bronze.x", column="id", batch=7)
    people = pa.array(["ann"] * 3)
    assert opened(pa.array([blob] * 3), subjects=people).to_pylist() == ["GaPt03"] * 3
    with pytest.raises(Damaged, match="does not open"):
        opened(pa.array([blob] * 3))


def test_equal_values_of_two_people_are_two_blobs():
    """Only a subject's own equal values share a blob: Ann's id twice, Ben's once."""
    blobs = cipher().seal("id", pa.array(["x", "x", "x"])).to_pylist()
    assert blobs[0] == blobs[2] != blobs[1]


def test_a_blob_names_its_suite():
    """One suite byte, twelve of nonce, sixteen of tag."""
    blob = sealed_alone("GaPt03")
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
        {"batches": pa.array([7, 7, 8])},
        {"subjects": pa.array(["ann", "ben", "ben"])},
        {"rows": NUMBERS},
    ],
)
def test_a_blob_opens_only_in_its_place(place):
    """Another table, column, batch or person, in one row too, or a row number that was not there: refused."""
    with pytest.raises(Damaged, match="does not open"):
        opened(sealed(), **place)


def test_free_text_is_bound_to_its_row():
    """With rows given, two equal notes have two blobs, and swapping them is refused."""
    blobs = sealed(rows=NUMBERS)
    assert blobs[0] != blobs[2]
    assert opened(blobs, rows=NUMBERS).to_pylist() == VALUES.to_pylist()
    with pytest.raises(Damaged):
        opened(blobs, rows=NUMBERS[::-1])


def test_every_single_changed_byte_is_found():
    """Suite, nonce, ciphertext or tag: no byte of a blob can be changed."""
    blob = sealed_alone("note")
    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(Damaged):
            opened(pa.array([changed]), subjects=pa.array(["ann"]), batches=pa.array([1]))


def test_swapping_two_people_is_found_by_us_and_missed_by_a_broken_seal():
    """The pseudonym is in the associated data. A seal under one key for all, without it, opens swapped."""
    one_key = {"ann": b"k" * 32, "ben": b"k" * 32}
    values, people, batches = pa.array(["of ann", "of ben"]), pa.array(["ann", "ben"]), pa.array([1, 1])
    blobs = cipher(people, batches, keys=one_key).seal("id", values)
    with pytest.raises(Damaged):
        cipher(people[::-1], batches, keys=one_key).open("id", blobs)

    own = AESGCM(b"k" * 32)
    without_person = frame_parts("t", "c", "1")
    broken = [seal_bytes(own, value.encode(), without_person) for value in ("of ann", "of ben")]
    assert [open_bytes(own, blob, without_person) for blob in reversed(broken)] == [b"of ben", b"of ann"]


def test_places_are_framed():
    """('ab', 'c') and ('a', 'bc') are two places; joined texts would be one."""
    assert frame_parts("ab", "c") != frame_parts("a", "bc")


CELLS = st.tuples(
    st.sampled_from(sorted(KEYS)), st.integers(-3, 10**12), st.text(max_size=3), st.integers(0, 2**40)
)


@given(cells=st.lists(CELLS, min_size=1, max_size=8), by_row=st.booleans())
def test_the_place_of_a_blob_is_its_framed_parts(cells, by_row):
    """What many cells at once are sealed under is, a cell, `frame_parts` of the place that its row says."""
    subjects, batches, values, numbers = (list(column) for column in zip(*cells, strict=True))
    rows = pa.array(numbers) if by_row else None
    blobs = cipher(pa.array(subjects), pa.array(batches)).seal("id", pa.array(values), rows).to_pylist()
    for blob, (subject, batch, value, number) in zip(blobs, cells, strict=True):
        place = frame_parts("bronze.x", "id", subject, str(batch), *([str(number)] if by_row else []))
        assert open_bytes(AESGCM(KEYS[subject]), blob, place).decode() == value


def test_a_value_without_a_subject_key_is_refused():
    """Nothing is dropped silently: nobody's value, and that of a person whose key is not there."""
    for subjects in (pa.array([None, None, None], pa.string()), pa.array(["ann", "ben", "eve"])):
        with pytest.raises(Damaged, match="no subject key"):
            cipher(subjects).seal("id", VALUES)
    assert cipher(pa.array(["ann", None, "ann"])).seal("id", VALUES)[1].as_py() is None


def test_a_column_of_bronze_opens_by_name():
    """`<name>__sealed` with the places that the row carries."""
    rows = pa.table({"subject": SUBJECTS, "batch": BATCHES, "row": NUMBERS, "id__sealed": sealed(NUMBERS)})
    assert open_column(rows, "id", KEYS, table="bronze.x", by_row=True).to_pylist() == VALUES.to_pylist()
    assert len(open_column(rows.slice(0, 0), "id", KEYS, table="bronze.x", by_row=True)) == 0


def test_rows_are_opened_some_at_a_time():
    """A person whose rows stand in two blocks has one blob in both; a block more is opened like the first."""
    many = OPENED_ROWS + 2
    one = pa.table({"subject": ["ann"], "batch": [1], "row": [1], "id__sealed": [sealed_alone("GaPt03")]})
    rows = one.take(pa.array([0] * many))
    assert open_column(rows, "id", KEYS, table="bronze.x").to_pylist() == ["GaPt03"] * many
