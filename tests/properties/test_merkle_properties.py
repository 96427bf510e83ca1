"""Trees and proofs against a naive tree after RFC 6962 and against pymerkle: every pair up to 200 leaves."""

import hashlib
from collections.abc import Sequence
from functools import cache

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

LARGEST = 200
PAIRS = LARGEST * (LARGEST + 1) // 2


def numbered(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


ENTRIES = numbered(LARGEST)
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def split_of(count: int) -> int:
    """Return the largest power of two smaller than `count`."""
    split = 1
    while split * 2 < count:
        split *= 2
    return split


@cache
def naive_root(low: int, high: int) -> bytes:
    """MTH(D[low:high]) of RFC 6962, 2.1, word for word."""
    if low == high:
        return hashlib.sha256(b"").digest()
    if high - low == 1:
        return hashlib.sha256(b"\x00" + ENTRIES[low]).digest()
    middle = low + split_of(high - low)
    return hashlib.sha256(b"\x01" + naive_root(low, middle) + naive_root(middle, high)).digest()


def naive_path(index: int, low: int, high: int) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, 2.1.1."""
    if high - low == 1:
        return []
    middle = low + split_of(high - low)
    if index < middle:
        return [*naive_path(index, low, middle), naive_root(middle, high)]
    return [*naive_path(index, middle, high), naive_root(low, middle)]


def naive_proof(old: int, low: int, high: int, *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962, 2.1.2; `old` counts from the first leaf of the log."""
    if old == high:
        return [] if known else [naive_root(low, high)]
    middle = low + split_of(high - low)
    if old <= middle:
        return [*naive_proof(old, low, middle, known=known), naive_root(middle, high)]
    return [*naive_proof(old, middle, high, known=False), naive_root(low, middle)]


@pytest.fixture(scope="module")
def oracle() -> InmemoryTree:
    """pymerkle's tree over the same entries; it answers for every earlier size."""
    tree = InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def test_every_root_is_that_of_the_naive_tree_and_of_pymerkle(oracle: InmemoryTree) -> None:
    for size in range(LARGEST + 1):
        root = root_of(HASHES[:size])
        assert root == naive_root(0, size)
        assert size == 0 or root == oracle.get_root(size)


def test_every_inclusion_path_is_that_of_the_naive_tree_and_of_pymerkle(oracle: InmemoryTree) -> None:
    """pymerkle counts from 1 and begins its path with the leaf; the hashes after it are the same set."""
    pairs = 0
    for size in range(1, LARGEST + 1):
        hashes, root = HASHES[:size], naive_root(0, size)
        for index in range(size):
            path = inclusion_path(hashes, index)
            assert path == naive_path(index, 0, size)
            theirs = oracle.prove_inclusion(index + 1, size)
            theirs.verify(hashes[index], root, index=index + 1, size=size)
            assert sorted(theirs.path) == sorted([hashes[index], *path])
            verify_inclusion(hashes[index], index, size, path, root)
            pairs += 1
    assert pairs == PAIRS


def test_every_consistency_path_is_that_of_the_naive_tree_and_holds_for_pymerkle_s_roots(
    oracle: InmemoryTree,
) -> None:
    pairs = 0
    for new in range(1, LARGEST + 1):
        hashes, root = HASHES[:new], oracle.get_root(new)
        for old in range(1, new + 1):
            path = consistency_path(hashes, old)
            assert path == naive_proof(old, 0, new, known=True)
            before = oracle.get_root(old)
            oracle.prove_consistency(old, new).verify(before, root)
            verify_consistency(old, new, path, before, root)
            pairs += 1
    assert pairs == PAIRS


def test_no_path_holds_for_the_next_smaller_tree() -> None:
    """What differs from the oracles by one leaf is refused, for every pair."""
    for new in range(2, LARGEST + 1):
        root = naive_root(0, new)
        for old in range(2, new + 1):
            path = naive_proof(old, 0, new, known=True)
            with pytest.raises(NotVerified):
                verify_consistency(old - 1, new, path, naive_root(0, old - 1), root)


def test_a_tree_that_splits_in_the_middle_differs_from_the_oracles() -> None:
    """Broken: halves instead of the largest power of two give the same roots for a few sizes only."""

    def halved(hashes: Sequence[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        middle = (len(hashes) + 1) // 2
        return hashlib.sha256(b"\x01" + halved(hashes[:middle]) + halved(hashes[middle:])).digest()

    same = [size for size in range(1, 17) if halved(HASHES[:size]) == naive_root(0, size)]
    assert same == [1, 2, 3, 4, 7, 8, 15, 16]


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
    assert list(roots_by_size(HASHES)) == [naive_root(0, size) for size in range(1, LARGEST + 1)]
