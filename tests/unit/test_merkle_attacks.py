"""Attacks on Merkle proofs: each is refused, and each succeeds against the broken variant beside it."""

import hashlib
from collections.abc import Sequence

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


@pytest.mark.parametrize("size", [*range(1, 17), 31, 32, 33, 64])
def test_no_flipped_bit_of_a_proof_is_accepted(size: int) -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(size)]
    root = root_of(hashes)
    for index in {0, size // 2, size - 1}:
        path = inclusion_path(hashes, index)
        whole = b"".join([hashes[index], root, *path])
        for bit in range(0, len(whole) * 8, 7):
            changed = bytearray(whole)
            changed[bit // 8] ^= 1 << (bit % 8)
            pieces = [bytes(changed[start : start + 32]) for start in range(0, len(changed), 32)]
            with pytest.raises(NotVerified):
                verify_inclusion(pieces[0], index, size, pieces[2:], pieces[1])
