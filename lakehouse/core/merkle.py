"""Merkle trees of RFC 6962 with the proofs of RFC 9162.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1 and https://www.rfc-editor.org/rfc/rfc9162#section-2.1.
Hashes are 32 bytes of SHA-256. Index and size are never optional: a proof says where in how large a tree.
A proof that does not hold, or cannot be read, is `NotVerified`; there is no Boolean to forget.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from lakehouse.errors import NotVerified, WrongUse

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
LARGEST_TREE = 2**62
BLOCK = 2**13
"""How many leaves are hashed together: a power of two, so that each block's root is a node of the tree."""

LeafRange: TypeAlias = tuple[int, int]
"""First leaf and one past the last leaf of a subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry): no leaf is ever a node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Iterable[bytes]) -> bytes:
    """Return the tree head over leaf hashes in order; `EMPTY_ROOT` when there are none.

    Of an iterator one block is held at a time, and one root a block.
    """
    left = iter(hashes)
    blocks: list[bytes] = []
    while block := list(islice(left, BLOCK)):
        blocks.append(_root_of_block(block))
    return _root_of_block(blocks) if blocks else EMPTY_ROOT


def roots_by_size(hashes: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the root after each leaf: of the first, of the first two, and so on."""
    peaks: list[bytes] = []
    for count, leaf in enumerate(hashes, 1):
        node = leaf
        # Each trailing zero of the new size closes one subtree with the peak to its left.
        for _ in range((count & -count).bit_length() - 1):
            node = node_hash(peaks.pop(), node)
        peaks.append(node)
        root = peaks[-1]
        for peak in reversed(peaks[:-1]):
            root = node_hash(peak, root)
        yield root


def inclusion_ranges(index: int, size: int) -> list[LeafRange]:
    """Return the subtrees whose roots prove leaf `index` in a tree of `size`, nearest first."""
    if not 0 <= index < size:
        raise WrongUse(f"leaf {index} is not in a tree of {size} leaves")
    ranges: list[LeafRange] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[LeafRange]:
    """Return the subtrees whose roots prove that the first `old` of `new` leaves are unchanged."""
    if not 0 < old <= new:
        raise WrongUse(f"no proof leads from a tree of {old} leaves to one of {new}")
    ranges: list[LeafRange] = []
    low, high = 0, new
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low > 0:
        ranges.append((low, high))
    return ranges[::-1]


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree over all `hashes` (RFC 6962, 2.1.1)."""
    return [root_of(hashes[low:high]) for low, high in inclusion_ranges(index, len(hashes))]


def consistency_path(hashes: Sequence[bytes], old: int) -> list[bytes]:
    """Return the proof that the tree over `hashes` extends its own first `old` leaves (RFC 6962, 2.1.2)."""
    return [root_of(hashes[low:high]) for low, high in consistency_ranges(old, len(hashes))]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise `NotVerified` unless `leaf` is number `index` of the tree of `size` with `root`.

    Steps as in RFC 9162, 2.1.3.2.
    """
    _check_hashes([leaf, root, *path])
    # (1) the leaf lies in the tree
    if not 0 <= index < size <= LARGEST_TREE:
        raise NotVerified(f"leaf {index} is not in a tree of {size} leaves")
    # (2) fn is the place of the node on its level, sn that of the last node there
    fn, sn = index, size - 1
    # (3)
    node = leaf
    # (4) climb
    for sibling in path:
        if sn == 0:
            raise NotVerified("the inclusion path is too long")
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    # (5) the top is reached, and it is the root
    if sn != 0:
        raise NotVerified("the inclusion path is too short")
    if not hmac.compare_digest(node, root):
        raise NotVerified(f"leaf {index} does not lead to the root of the tree of {size} leaves")


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise `NotVerified` unless the tree of `new` leaves begins with the tree of `old` leaves.

    Steps as in RFC 9162, 2.1.4.2. Size 0 is refused: every tree extends the empty one, so it proves nothing.
    """
    if not 0 < old <= new <= LARGEST_TREE:
        raise NotVerified(f"no proof leads from a tree of {old} leaves to one of {new}")
    # (0) equal sizes: equal roots, no path
    if old == new:
        if path or not hmac.compare_digest(old_root, new_root):
            raise NotVerified(f"two trees of {old} leaves differ")
        return
    # (1), (2) a complete old tree is itself the first node of the path
    _check_hashes([old_root, new_root, *path])
    if not path:
        raise NotVerified("the consistency path is empty")
    nodes = list(path)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    # (3), (4) start at the last node of the old tree that is complete
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # (5)
    old_node = new_node = nodes[0]
    # (6) climb; nodes to the left belong to both trees
    for sibling in nodes[1:]:
        if sn == 0:
            raise NotVerified("the consistency path is too long")
        if fn & 1 or fn == sn:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new_node = node_hash(new_node, sibling)
        fn, sn = fn >> 1, sn >> 1
    # (7) the top is reached, and both roots with it
    reached = hmac.compare_digest(old_node, old_root) and hmac.compare_digest(new_node, new_root)
    if sn != 0 or not reached:
        raise NotVerified(f"the tree of {new} leaves does not begin with the tree of {old} leaves")


def subtree_root(leaves: LeafRange, complete_node: Callable[[int, int], bytes]) -> bytes:
    """Return the root over `leaves` from complete nodes: `complete_node(height, place)`.

    The range begins at a multiple of its own size rounded up to a power of two, as all ranges of proofs do.
    """
    low, high = leaves
    count = high - low
    if count & (count - 1) == 0:
        height = count.bit_length() - 1
        return complete_node(height, low >> height)
    middle = low + _split(count)
    return node_hash(subtree_root((low, middle), complete_node), subtree_root((middle, high), complete_node))


def _root_of_block(level: list[bytes]) -> bytes:
    sha256 = hashlib.sha256
    while len(level) > 1:
        # An odd last node rises unchanged, which gives RFC 6962's split at the largest power of two.
        unpaired = level[-1:] if len(level) % 2 else []
        nodes = iter(level)
        pairs = zip(nodes, nodes, strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + unpaired
    return level[0]


def _split(count: int) -> int:
    """Return the largest power of two below `count` (RFC 6962: k < n <= 2k)."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise NotVerified(f"a hash of a proof is not {HASH_BYTES} bytes long")
