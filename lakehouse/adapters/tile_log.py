"""The site's log as static files: tiles, entry bundles, signed checkpoint, trust file.

Layout: https://c2sp.org/tlog-tiles and https://c2sp.org/tlog-checkpoint. Everything but the signing key is
public. Partial tiles of earlier checkpoints stay until the full tile stands, as C2SP asks. Callers hold the
log's lock and have made the entries durable before `extend`; calling it again mends any crash.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse.adapters.durable_files import is_unfinished, write_durably
from lakehouse.adapters.signatures import Signer, verify_signature
from lakehouse.core.checkpoint import (
    Checkpoint,
    NoteSignature,
    SignedNote,
    keep_known,
    parse_checkpoint,
    parse_note,
    verify_note,
)
from lakehouse.core.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    LeafRange,
    consistency_ranges,
    inclusion_ranges,
    root_of,
    subtree_root,
)
from lakehouse.core.tiles import (
    EMPTY_EDGE,
    TILE_WIDTH,
    Edge,
    edge_names,
    grow,
    join_bundle,
    read_edge,
    split_bundle,
    split_tile,
    tile_name,
)
from lakehouse.core.trust import Trust
from lakehouse.errors import Damaged, NotVerified, WrongUse

CHECKPOINT = "checkpoint"
TRUST = "trust.json"
HEAD_PLACE = "registry/checkpoint"
_PARTIAL_WIDTH = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
REMEDY = "run `livinglab fsck`, and restore registry/ from a copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFinding:
    """One file of registry/ that is not what entries, site and key give."""

    kind: str
    place: str


class TileLog:
    """One log in one folder. `trust` is what trust.json must say; its default names no witness."""

    def __init__(self, folder: Path, origin: str, signer: Signer, trust: Trust | None = None) -> None:
        if origin != signer.key.name:
            raise WrongUse(f"the log {origin} cannot be signed by a key named {signer.key.name}")
        self._folder = folder
        self._signer = signer
        self.trust = trust or Trust(log=signer.key)

    def size(self) -> int:
        """Return the number of leaves of the signed checkpoint; 0 before the first."""
        return self._head().size

    def root(self) -> bytes:
        """Return the root of the signed checkpoint."""
        return self._head().root

    def checkpoint_text(self) -> str:
        """Return the checkpoint with all its signatures; `Damaged` where none can be read."""
        content = self._read(CHECKPOINT)
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Damaged("registry/checkpoint is not UTF-8", remedy=REMEDY, place=HEAD_PLACE) from error

    def signed_head(self) -> SignedNote:
        """Return the head as the log alone signed it, without cosignatures."""
        return keep_known(self._read_head()[0], [self._signer.key])

    def cosign(self, size: int, lines: Sequence[NoteSignature]) -> bool:
        """Let the head of `size` leaves carry these cosignatures; False where the log has grown since.

        What it carries may be fewer of them, as a killed process leaves it; anything else stays, for `check`.
        """
        if self.size() != size:
            return False
        note = self.signed_head()
        there = parse_note(self.checkpoint_text()).signatures
        if all(line in (*note.signatures, *lines) for line in there):
            self._write(CHECKPOINT, _with_lines(note, lines))
        self._remove_leftovers({})
        return True

    def trust_is_current(self) -> bool:
        """Say whether trust.json is there and says what the site demands."""
        there = (self._folder / TRUST).is_file()
        return there and self.trust_file() == self.trust.render().encode()

    def trust_file(self) -> bytes:
        """Return what stands in trust.json; Damaged where it cannot be read."""
        return self._read(TRUST)

    def write_trust(self) -> None:
        """Let trust.json say what the site demands; `pipeline.trust_renewal` logs it first."""
        self._write(TRUST, self.trust.render().encode())

    def extend(self, entries: Sequence[bytes], first_index: int) -> Checkpoint:
        """Bring the log to `first_index + len(entries)` leaves, sign its head, return it.

        `entries` may begin below the present size: what stands there must be the same. Before the first
        leaf, `extend([], 0)` signs the empty log. `Damaged` where the log would become another one.
        """
        # (1) the head that was signed before, and the right edge that gives exactly its root
        head = self._head()
        edge = self._edge(head)
        # (2) the given entries meet the log without a gap, and repeat what it holds
        known = head.size - first_index
        if not 0 <= known <= len(entries):
            last = first_index + len(entries)
            raise Damaged(
                f"entries {first_index} to {last} do not meet the log's {head.size} leaves", remedy=REMEDY
            )
        self._check_known(entries[:known], first_index, head.size)
        # (3) new tiles, none of which may contradict a file that is there
        edge, files = grow(edge, entries[known:])
        self._check_files_there(files)
        # (4) files first, then the head that speaks of them
        if not (self._folder / TRUST).exists():
            files[TRUST] = self.trust.render().encode()
        for name, content in files.items():
            self._write(name, content)
        new_head = Checkpoint(origin=self.trust.origin, size=edge.size, root=edge.root())
        if new_head.size > head.size or not (self._folder / CHECKPOINT).exists():
            self._write(CHECKPOINT, self._signer.sign_note(new_head.render()).render().encode())
        # (5) what a killed write or a finished tile left over
        self._remove_leftovers(files)
        return new_head

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of leaf `index` in the log's first `size` leaves, reading few tiles."""
        return self._nodes(inclusion_ranges(index, size), size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the first `new` leaves begin with the first `old`."""
        return self._nodes(consistency_ranges(old, new), new)

    def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` leaves."""
        return self._nodes([(0, size)], size)[0] if size else EMPTY_ROOT

    def entry(self, index: int) -> bytes:
        """Return one entry."""
        size = self.size()
        if not 0 <= index < size:
            raise WrongUse(f"leaf {index} is not in a log of {size} leaves")
        return self._bundle(index // TILE_WIDTH, size)[index % TILE_WIDTH]

    def check(self, entries: Sequence[bytes], cosignatures: Sequence[NoteSignature] = ()) -> list[LogFinding]:
        """Compare every file of the folder, byte for byte, with what all `entries` give.

        `cosignatures` are those kept for the head, in order.
        """
        edge, expected = grow(EMPTY_EDGE, entries)
        head = Checkpoint(origin=self.trust.origin, size=edge.size, root=edge.root())
        expected[CHECKPOINT] = _with_lines(self._signer.sign_note(head.render()), cosignatures)
        expected[TRUST] = self.trust.render().encode()
        latest = {name.partition(".p/")[0]: name for name in expected}
        files = [path for path in self._folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        names = {path.relative_to(self._folder).as_posix() for path in files}
        findings = [LogFinding(kind="log file missing", place=name) for name in expected.keys() - names]
        for name in names:
            known = name in expected or self._is_earlier(name, latest, expected)
            if not known or not _is_plain_file(self._folder / name):
                findings.append(LogFinding(kind="unknown file in the log", place=name))
            elif name in expected and self._read(name) != expected[name]:
                findings.append(LogFinding(kind="log file changed", place=name))
        return sorted(findings, key=lambda finding: finding.place)

    def _head(self) -> Checkpoint:
        """Return the signed head after checking origin and signature; the empty one where there is none."""
        if not (self._folder / CHECKPOINT).exists():
            if (self._folder / "tile").exists():
                raise Damaged("the log has tiles and no checkpoint", remedy=REMEDY, place=HEAD_PLACE)
            return Checkpoint(origin=self.trust.origin, size=0, root=EMPTY_ROOT)
        return self._read_head()[1]

    def _read_head(self) -> tuple[SignedNote, Checkpoint]:
        try:
            note = parse_note(self.checkpoint_text())
            head = parse_checkpoint(note.text)
            verify_note(note, self._signer.key, verify_signature)
        except NotVerified as error:
            raise Damaged(f"registry/checkpoint: {error.message}", remedy=REMEDY, place=HEAD_PLACE) from error
        if head.origin != self.trust.origin or (head.size == 0 and head.root != EMPTY_ROOT):
            raise Damaged("registry/checkpoint is that of another log", remedy=REMEDY, place=HEAD_PLACE)
        return note, head

    def _edge(self, head: Checkpoint) -> Edge:
        tiles, bundle = edge_names(head.size)
        names = [name for name in [*tiles, bundle] if name]
        try:
            edge = read_edge(head.size, {name: self._read(name) for name in names})
        except NotVerified as error:
            raise Damaged(f"registry/tile: {error.message}", remedy=REMEDY) from error
        if edge.root() != head.root:
            raise Damaged(f"the tiles do not give the root of the log's {head.size} leaves", remedy=REMEDY)
        return edge

    def _bundle(self, place: int, size: int) -> list[bytes]:
        width = _width(size, place)
        content = self._read(tile_name("entries", place, width))
        try:
            entries = split_bundle(content)
        except NotVerified as error:
            raise Damaged(f"registry/tile/entries: {error.message}", remedy=REMEDY) from error
        if len(entries) != width:
            raise Damaged(f"entry bundle {place} holds {len(entries)} of {width} entries", remedy=REMEDY)
        return entries

    def _check_known(self, entries: Sequence[bytes], first_index: int, size: int) -> None:
        held: list[bytes] = []
        for index, entry in enumerate(entries, first_index):
            if index % TILE_WIDTH == 0 or not held:
                held = self._bundle(index // TILE_WIDTH, size)
            if held[index % TILE_WIDTH] != entry:
                raise Damaged(f"leaf {index} of the log is not the entry of registry.db", remedy=REMEDY)

    def _check_files_there(self, files: dict[str, bytes]) -> None:
        """Refuse to go on where a tile that a killed `extend` (or a stranger) left is not a part of ours."""
        for name, content in files.items():
            for path in self._versions_of(name):
                if not content.startswith(self._read(path.relative_to(self._folder).as_posix())):
                    raise Damaged(f"a file contradicts the log's entries: registry/{name}", remedy=REMEDY)

    def _versions_of(self, name: str) -> list[Path]:
        """Return the files there are of one tile: the full one and partial ones."""
        full = self._folder / name.partition(".p/")[0]
        partial = full.with_name(full.name + ".p")
        narrow = [path for path in partial.iterdir() if not is_unfinished(path)] if partial.is_dir() else []
        return [path for path in (full, *narrow) if path.is_file()]

    def _remove_leftovers(self, files: dict[str, bytes]) -> None:
        for name in (*files, CHECKPOINT):
            full = self._folder / name.partition(".p/")[0]
            partial = full.with_name(full.name + ".p")
            for path in full.parent.iterdir():
                if is_unfinished(path):
                    path.unlink()
            if not partial.is_dir():
                continue
            for path in partial.iterdir():
                if full.exists() or is_unfinished(path):
                    path.unlink()
            if full.exists():
                partial.rmdir()

    def _nodes(self, ranges: Sequence[LeafRange], size: int) -> list[bytes]:
        present = self.size()
        if size > present:
            raise WrongUse(f"the log has {present} leaves, not {size}")
        return read_nodes(ranges, present, self._read)

    def _is_earlier(self, name: str, latest: Mapping[str, str], expected: Mapping[str, bytes]) -> bool:
        """Say whether `name` is the partial tile of an earlier checkpoint, exactly as it was then."""
        tile, mark, width = name.partition(".p/")
        if not mark or tile not in latest or not _PARTIAL_WIDTH.fullmatch(width):
            return False
        if int(width) >= int(latest[tile].partition(".p/")[2] or TILE_WIDTH):
            return False
        now = expected[latest[tile]]
        if tile.startswith("tile/entries/"):
            return self._read(name) == join_bundle(split_bundle(now)[: int(width)])
        return self._read(name) == now[: HASH_BYTES * int(width)]

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            problem = f"a file of the log cannot be read: registry/{name}"
            raise Damaged(problem, remedy=REMEDY, place=f"registry/{name}") from error

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        if not path.is_file() or path.read_bytes() != content:
            write_durably(path, content)


def read_nodes(ranges: Sequence[LeafRange], size: int, read: Callable[[str], bytes]) -> list[bytes]:
    """Return the roots of subtrees of a log of `size` leaves, from few of its tiles; `read` takes a name.

    Raises Damaged for a tile of another length, and what `read` raises.
    """
    held: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def tile(level: int, place: int) -> tuple[bytes, ...]:
        if (level, place) not in held:
            width = _width(size >> (8 * level), place)
            content = read(tile_name(level, place, width))
            if len(content) != width * HASH_BYTES:
                problem = f"tile {place} of level {level} is {len(content)} bytes long"
                raise Damaged(problem, remedy=REMEDY)
            held[level, place] = split_tile(content)
        return held[level, place]

    def complete_node(height: int, place: int) -> bytes:
        level, inner = divmod(height, 8)
        number, first = divmod(place << inner, TILE_WIDTH)
        return root_of(tile(level, number)[first : first + (1 << inner)])

    return [subtree_root(leaves, complete_node) for leaves in ranges]


def _with_lines(note: SignedNote, lines: Sequence[NoteSignature]) -> bytes:
    return replace(note, signatures=(*note.signatures, *lines)).render().encode()


def _width(count: int, place: int) -> int:
    return min(TILE_WIDTH, count - place * TILE_WIDTH)


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
