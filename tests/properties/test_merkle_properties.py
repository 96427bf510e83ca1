"""Trees and proofs against a naive tree after RFC 6962 and against pymerkle."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from lakehouse.core.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    roots_by_size,
    verify_consistency,
    verify_inclusion,
)
from lakehouse.core.tiles import EMPTY_EDGE, grow
from lakehouse.errors import NotVerified

SIZES = st.integers(min_value=1, max_value=200)


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()


def numbered(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


@pytest.mark.parametrize("size", range(0, 70))
def test_roots_equal_the_naive_tree(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in numbered(size)]) == naive_root(numbered(size))


@given(size=SIZES, data=st.data())
@settings(max_examples=60, deadline=None)
def test_each_leaf_is_proved_and_no_other_place_is(size: int, data: st.DataObject) -> None:
    hashes = [leaf_hash(entry) for entry in numbered(size)]
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size + 3))
    path = inclusion_path(hashes, index)
    verify_inclusion(hashes[index], index, size, path, root_of(hashes))
    if other != index:
        with pytest.raises(NotVerified):
            verify_inclusion(hashes[index], other, size, path, root_of(hashes))


@given(new=SIZES, data=st.data())
@settings(max_examples=60, deadline=None)
def test_each_beginning_is_proved_and_equals_pymerkle(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    entries = numbered(new)
    hashes = [leaf_hash(entry) for entry in entries]
    path = consistency_path(hashes, old)
    oracle = InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    assert (oracle.get_root(old), oracle.get_root(new)) == (root_of(hashes[:old]), root_of(hashes))
    verify_consistency(old, new, path, root_of(hashes[:old]), root_of(hashes))
    if old > 1:
        with pytest.raises(NotVerified):
            verify_consistency(old - 1, new, path, root_of(hashes[: old - 1]), root_of(hashes))


@given(parts=st.lists(st.integers(0, 300), max_size=6))
@settings(max_examples=30, deadline=None)
def test_growing_in_parts_gives_the_tiles_of_growing_at_once(parts: list[int]) -> None:
    entries = numbered(sum(parts))
    edge, files, start = EMPTY_EDGE, dict[str, bytes](), 0
    for part in parts:
        edge, made = grow(edge, entries[start : start + part])
        files |= made
        start += part
    at_once, expected = grow(EMPTY_EDGE, entries)
    assert edge == at_once
    assert edge.root() == root_of([leaf_hash(entry) for entry in entries])
    assert {name: files[name] for name in expected} == expected


def test_roots_by_size_are_the_roots_of_all_beginnings() -> None:
    hashes = [leaf_hash(entry) for entry in numbered(70)]
    assert list(roots_by_size(hashes)) == [root_of(hashes[:size]) for size in range(1, 71)]
