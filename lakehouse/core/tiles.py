"""The files of a log as C2SP tlog-tiles lays them out (https://c2sp.org/tlog-tiles), height 8.

Pure: entries in, file contents out. A log is grown from its right edge alone, so appending to a million
leaves touches a handful of files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.core.merkle import HASH_BYTES, leaf_hash, root_of
from lakehouse.errors import NotVerified, WrongUse

TILE_WIDTH = 256
LARGEST_ENTRY = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The right edge of a log of `size` leaves.

    `levels[l]` holds the hashes of the partial tile of level l (0 to 255 of them), `bundle` the bytes of
    the partial entry bundle.
    """

    size: int
    levels: tuple[tuple[bytes, ...], ...]
    bundle: bytes

    def root(self) -> bytes:
        """Return the root of the log: each level's nodes, closed by the unfinished subtree below them."""
        closing: list[bytes] = []
        for nodes in self.levels:
            row = [*nodes, *closing]
            closing = [root_of(row)] if row else []
        return root_of(closing)


EMPTY_EDGE = Edge(size=0, levels=(), bundle=b"")


def tile_name(level: int | str, place: int, width: int = TILE_WIDTH) -> str:
    """Return `tile/<level>/<place>[.p/<width>]`; `level` is a number or `entries`."""
    groups = [f"{place % 1000:03d}"]
    while place := place // 1000:
        groups.insert(0, f"x{place % 1000:03d}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{suffix}"


def edge_names(size: int) -> tuple[list[str | None], str | None]:
    """Return the names of the partial tiles, level by level, and of the partial entry bundle."""
    levels: list[str | None] = []
    count = size
    while count:
        place, width = divmod(count, TILE_WIDTH)
        levels.append(tile_name(len(levels), place, width) if width else None)
        count = place
    place, width = divmod(size, TILE_WIDTH)
    return levels, tile_name("entries", place, width) if width else None


def file_names(size: int) -> Iterator[str]:
    """Yield the names of all tiles and bundles of a log of `size` leaves, none of an earlier one."""
    for place in range(size // TILE_WIDTH):
        yield tile_name("entries", place)
    tiles, bundle = edge_names(size)
    for level, partial in enumerate(tiles):
        for place in range(size >> (8 * (level + 1))):
            yield tile_name(level, place)
        if partial:
            yield partial
    if bundle:
        yield bundle


def grow(edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Return the edge after `entries` and every tile and bundle that they complete or begin, by name."""
    if not entries:
        return edge, {}
    files = _grow_bundles(edge, entries)
    size = edge.size + len(entries)
    bundle = files.get(edge_names(size)[1] or "", b"")
    levels: list[tuple[bytes, ...]] = []
    before, fresh = edge.size, [leaf_hash(entry) for entry in entries]
    while before or fresh:
        level = len(levels)
        row = [*(edge.levels[level] if level < len(edge.levels) else ()), *fresh]
        first = before // TILE_WIDTH
        tiles = [row[start : start + TILE_WIDTH] for start in range(0, len(row), TILE_WIDTH)]
        if fresh:
            files |= {
                tile_name(level, first + number, len(tile)): b"".join(tile)
                for number, tile in enumerate(tiles)
            }
        levels.append(tuple(row[len(row) - len(row) % TILE_WIDTH :]))
        before, fresh = first, [root_of(tile) for tile in tiles if len(tile) == TILE_WIDTH]
    return Edge(size=size, levels=tuple(levels), bundle=bundle), files


def read_edge(size: int, files: Mapping[str, bytes]) -> Edge:
    """Return the edge of a log of `size` from the contents of the files that `edge_names` gives."""
    tiles, bundle = edge_names(size)
    levels = tuple(split_tile(files[name]) if name else () for name in tiles)
    count = size
    for nodes in levels:
        if len(nodes) != count % TILE_WIDTH:
            raise NotVerified(f"a partial tile of a log of {size} leaves has {len(nodes)} hashes")
        count //= TILE_WIDTH
    content = files[bundle] if bundle else b""
    if [leaf_hash(entry) for entry in split_bundle(content)] != list(levels[0] if levels else ()):
        raise NotVerified(f"the last entries of a log of {size} leaves are not those of its tiles")
    return Edge(size=size, levels=levels, bundle=content)


def split_tile(content: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a tile, 32 bytes each."""
    if len(content) % HASH_BYTES or len(content) > TILE_WIDTH * HASH_BYTES:
        raise NotVerified(f"a tile is {len(content)} bytes long")
    return tuple(content[start : start + HASH_BYTES] for start in range(0, len(content), HASH_BYTES))


def split_bundle(content: bytes) -> list[bytes]:
    """Return the entries of a bundle: each after its length in two bytes, big-endian."""
    entries: list[bytes] = []
    start = 0
    while start < len(content):
        length = int.from_bytes(content[start : start + 2], "big")
        entry = content[start + 2 : start + 2 + length]
        if len(entry) != length or start + 2 > len(content):
            raise NotVerified("an entry bundle is cut off")
        entries.append(entry)
        start += 2 + length
    return entries


def join_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bundle of `entries`."""
    if any(len(entry) > LARGEST_ENTRY for entry in entries):
        raise WrongUse(f"an entry of the log has at most {LARGEST_ENTRY} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _grow_bundles(edge: Edge, entries: Sequence[bytes]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    place, width = divmod(edge.size, TILE_WIDTH)
    start, held = 0, edge.bundle
    while start < len(entries):
        taken = entries[start : start + TILE_WIDTH - width]
        files[tile_name("entries", place, width + len(taken))] = held + join_bundle(taken)
        start, place, width, held = start + len(taken), place + 1, 0, b""
    return files
