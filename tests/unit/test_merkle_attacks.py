"""Attacks on Merkle proofs: each is refused, and each succeeds against the broken variant beside it."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import pytest

from lakehouse.core.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from lakehouse.errors import NotVerified

ENTRIES = [f"entry {number}".encode() for number in range(4)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def bare_hash(left: bytes, right: bytes = b"") -> bytes:
    """Broken: one hash for leaves and nodes, as merkletools has it."""
    return hashlib.sha256(left + right).digest()


def climb_without_size(leaf: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """Broken: the tree's size is not asked, so a path of any length leads somewhere."""
    for sibling in path:
        leaf = node_hash(sibling, leaf) if index & 1 else node_hash(leaf, sibling)
        index >>= 1
    return leaf


def test_a_node_passed_off_as_a_leaf_is_refused() -> None:
    """Second preimage: the 64 bytes of a node's children as a document."""
    document = LEAVES[0] + LEAVES[1]
    path = inclusion_path(LEAVES, 0)[1:]
    with pytest.raises(NotVerified):
        verify_inclusion(leaf_hash(document), 0, 2, path, root_of(LEAVES))
    broken = [bare_hash(entry) for entry in ENTRIES]
    broken_root = bare_hash(bare_hash(broken[0], broken[1]), bare_hash(broken[2], broken[3]))
    forged = bare_hash(broken[0] + broken[1])
    assert bare_hash(forged, bare_hash(broken[2], broken[3])) == broken_root


def test_an_inner_node_as_leaf_hash_needs_a_false_size() -> None:
    """A proof says the size; only a verifier that does not ask for it accepts the shorter path."""
    node, path = node_hash(LEAVES[0], LEAVES[1]), inclusion_path(LEAVES, 0)[1:]
    with pytest.raises(NotVerified, match="too short"):
        verify_inclusion(node, 0, 4, path, root_of(LEAVES))
    assert climb_without_size(node, 0, path) == root_of(LEAVES)


@pytest.mark.parametrize(("index", "size"), [(1, 4), (2, 4), (0, 2), (0, 8), (4, 4), (-1, 4), (0, 0)])
def test_another_index_or_size_is_refused(index: int, size: int) -> None:
    with pytest.raises(NotVerified):
        verify_inclusion(LEAVES[0], index, size, inclusion_path(LEAVES, 0), root_of(LEAVES))


def test_the_root_does_not_prove_itself() -> None:
    """An empty path proves the only leaf of a tree of one, nothing else."""
    root = root_of(LEAVES)
    with pytest.raises(NotVerified):
        verify_inclusion(root, 0, 4, [], root)
    assert climb_without_size(root, 0, []) == root


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(NotVerified, match="32 bytes"):
        verify_inclusion(LEAVES[0], 0, 4, [LEAVES[1][:31], root_of(LEAVES[2:])], root_of(LEAVES))


def test_doubled_leaves_do_not_share_a_root() -> None:
    """CVE-2012-2459: trees that double an odd last node give three and four leaves one root."""
    three = LEAVES[:3]

    def doubled(hashes: list[bytes]) -> bytes:
        level = hashes
        while len(level) > 1:
            level = level + level[-1:] if len(level) % 2 else level
            level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        return level[0]

    assert root_of(three) != root_of([*three, three[2]])
    assert doubled(three) == doubled([*three, three[2]])


def test_a_rewritten_log_has_no_consistency_proof() -> None:
    rewritten = [leaf_hash(b"other"), *LEAVES[1:]]
    with pytest.raises(NotVerified):
        verify_consistency(3, 4, consistency_path(rewritten, 3), root_of(LEAVES[:3]), root_of(rewritten))


def test_size_zero_proves_nothing() -> None:
    with pytest.raises(NotVerified):
        verify_consistency(0, 4, [], root_of([]), root_of(LEAVES))
    with pytest.raises(NotVerified):
        verify_consistency(0, 0, [], root_of([]), root_of([]))


def numbered(size: int) -> list[bytes]:
    return [leaf_hash(bytes([number])) for number in range(size)]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    try:
        verify_inclusion(leaf, index, size, path, root)
    except NotVerified:
        return False
    return True


def is_beginning(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    try:
        verify_consistency(old, new, path, old_root, new_root)
    except NotVerified:
        return False
    return True


def flipped(hashes: Sequence[bytes], step: int, start: int) -> Iterator[list[bytes]]:
    """Yield the hashes with one bit flipped: bit `start`, `start + step` and so on."""
    whole = b"".join(hashes)
    for bit in range(start, len(whole) * 8, step):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        yield [bytes(changed[place : place + 32]) for place in range(0, len(changed), 32)]


ALL_BITS_UP_TO, LARGEST, EVERY = 20, 64, 23
"""Up to which size every bit is flipped; the largest tree; how many bits further the next flip is above."""


def test_no_flipped_bit_of_a_leaf_path_or_root_is_accepted() -> None:
    """All trees of 1 to 64 leaves and all their leaves."""
    tried = 0
    for size in range(1, LARGEST + 1):
        hashes = numbered(size)
        root, step = root_of(hashes), 1 if size <= ALL_BITS_UP_TO else EVERY
        for index in range(size):
            path = inclusion_path(hashes, index)
            assert is_included(hashes[index], index, size, path, root)
            for leaf, top, *nodes in flipped([hashes[index], root, *path], step, index % step):
                assert not is_included(leaf, index, size, nodes, top), (size, index)
                tried += 1
    assert tried > 400_000


def test_no_flipped_bit_of_a_consistency_proof_is_accepted() -> None:
    """All pairs of trees of 1 to 64 leaves."""
    tried = 0
    for new in range(1, LARGEST + 1):
        hashes = numbered(new)
        root, step = root_of(hashes), 1 if new <= ALL_BITS_UP_TO else EVERY
        for old in range(1, new + 1):
            path, before = consistency_path(hashes, old), root_of(hashes[:old])
            assert is_beginning(old, new, path, before, root)
            for first, top, *nodes in flipped([before, root, *path], step, old % step):
                assert not is_beginning(old, new, nodes, first, top), (old, new)
                tried += 1
    assert tried > 400_000


def test_no_flipped_bit_of_an_entry_is_accepted() -> None:
    for size in range(1, LARGEST + 1):
        hashes = numbered(size)
        index, root = size // 2, root_of(hashes)
        path = inclusion_path(hashes, index)
        for bit in range(8):
            assert not is_included(leaf_hash(bytes([index ^ 1 << bit])), index, size, path, root)


def test_a_verifier_that_compares_a_shortened_root_would_accept_flips() -> None:
    """Broken: the first 8 bytes of the root, as a page might show it."""
    hashes = numbered(7)
    index, size = 3, 7
    given = [hashes[index], root_of(hashes), *inclusion_path(hashes, index)]
    accepted = sum(
        climb_without_size(leaf, index, nodes)[:8] == root[:8] for leaf, root, *nodes in flipped(given, 1, 0)
    )
    refused = sum(
        not is_included(leaf, index, size, nodes, root) for leaf, root, *nodes in flipped(given, 1, 0)
    )
    assert (accepted, refused) == (24 * 8, 5 * 256)


def test_no_leaf_is_proved_at_another_index() -> None:
    """All pairs of indexes in all trees of 1 to 64 leaves."""
    for size in range(1, LARGEST + 1):
        hashes = numbered(size)
        root = root_of(hashes)
        for index in range(size):
            path = inclusion_path(hashes, index)
            proved = [
                place for place in range(-1, size + 2) if is_included(hashes[index], place, size, path, root)
            ]
            assert proved == [index]


def test_a_path_that_fits_two_sizes_needs_the_signed_head() -> None:
    """Trees of 5 to 8 leaves prove their first leaf by equally long paths: the tree's size is not hashed.

    So no size is taken from a prover: `verify_bundle` reads it from the checkpoint that the log signed.
    """
    hashes = numbered(5)
    path, root = inclusion_path(hashes, 0), root_of(hashes)
    assert [size for size in range(1, 20) if is_included(hashes[0], 0, size, path, root)] == [5, 6, 7, 8]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 13])
def test_equal_leaves_prove_nothing_false(size: int) -> None:
    """In a tree of repeated leaves a path may fit two places; the leaf does stand at both."""
    hashes = [leaf_hash(bytes([number % 2])) for number in range(size)]
    root = root_of(hashes)
    for index in range(size):
        path = inclusion_path(hashes, index)
        for leaf in set(hashes):
            for place in range(size):
                if is_included(leaf, place, size, path, root):
                    assert hashes[place] == leaf


def weak_hash(data: bytes) -> bytes:
    """32 bytes that a forger can aim at."""
    return zlib.adler32(data).to_bytes(32, "big")


def test_the_prover_does_not_choose_the_hash() -> None:
    """Broken: with the hash that a proof names, a forger names one in which collisions are easy."""
    chosen = {"weak": weak_hash, "sha256": lambda data: hashlib.sha256(data).digest()}

    def broken_climb(name: str, entry: bytes, sibling: bytes) -> bytes:
        return chosen[name](b"\x01" + chosen[name](b"\x00" + entry) + sibling)

    genuine, forged = b"ab" * 60 + b"\x01\x00\x01", b"ab" * 60 + b"\x00\x02\x00"
    assert genuine != forged
    assert broken_climb("weak", genuine, bytes(32)) == broken_climb("weak", forged, bytes(32))
    sibling = leaf_hash(b"other")
    root = root_of([leaf_hash(genuine), sibling])
    assert is_included(leaf_hash(genuine), 0, 2, [sibling], root)
    assert not is_included(leaf_hash(forged), 0, 2, [sibling], root)
    for other in ("md5", "sha1", "sha512", "sha3_256", "blake2s"):
        digest = hashlib.new(other, b"\x00" + genuine, usedforsecurity=False).digest()
        assert not is_included(digest, 0, 2, [sibling], root)
        top = hashlib.new(other, b"\x01" + digest + sibling, usedforsecurity=False).digest()
        assert not is_included(digest, 0, 2, [sibling], top)
