"""What a lineage report is made of: a page of sections that hold sentences, facts and tables.

No part holds a value of a person; counts of people on a page about gold are masked below the
minimum cell before they come here (`masked_count`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """How a fact should strike the reader."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure at the top of the page: what, how much, and the words below it."""

    label: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and its value; `code` sets digests and commands in a fixed-width face."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: column heads and rows of text; `right` names columns of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...] = ()
    tones: tuple[Tone, ...] = ()

    def tone_of(self, row: int) -> Tone:
        """Return how the row should strike; plain where nothing was said."""
        return self.tones[row] if row < len(self.tones) else Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class LossChart:
    """The drawing of loss over k. points: (k, loss from 0 to 1), k ascending; marked: the k in force."""

    points: tuple[tuple[int, float], ...]
    marked: int

    def sentences(self) -> tuple[str, ...]:
        """Return the drawing in words, for readers who do not see it."""
        return tuple(
            f"At k {k} the loss is {loss:.2f}{', as released' if k == self.marked else ''}."
            for k, loss in self.points
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One heading of the page, in the order of its parts."""

    anchor: str
    title: str
    lead: str = ""
    facts: tuple[Fact, ...] = ()
    grids: tuple[Grid, ...] = ()
    commands: tuple[str, ...] = ()
    shows_flow: bool = False
    chart: LossChart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """A box of the drawing. `stage` is its column: 0 sources, 1 bronze, 2 silver, 3 gold."""

    key: str
    stage: int
    title: str
    note: str = ""
    focus: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The drawing of what was made from what; edges name keys of nodes."""

    nodes: tuple[FlowNode, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()

    def stages(self) -> tuple[tuple[tuple[FlowNode, tuple[str, ...]], ...], ...]:
        """Return the boxes stage by stage, each with the titles of what it is made from."""
        titles = {node.key: node.title for node in self.nodes}
        return tuple(
            tuple(
                (node, tuple(titles[source] for source, made in self.edges if made == node.key))
                for node in self.nodes
                if node.stage == stage
            )
            for stage in sorted({node.stage for node in self.nodes})
        )

    def sentences(self) -> tuple[str, ...]:
        """Return the drawing in words, for readers who do not see it."""
        titles = {node.key: node.title for node in self.nodes}
        targets = dict.fromkeys(target for _, target in self.edges)
        return tuple(
            f"{titles[target]} is made from "
            f"{', '.join(titles[source] for source, made in self.edges if made == target)}."
            for target in targets
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole report. `linked_data` is its JSON-LD; `confidential` prints the notice for readers."""

    kind: str
    title: str
    subtitle: str
    lead: str
    stamp: str
    confidential: bool
    tiles: tuple[Tile, ...] = ()
    sections: tuple[Section, ...] = ()
    flow: Flow = field(default_factory=Flow)
    linked_data: Mapping[str, object] = field(default_factory=dict)


def facts_of(pairs: Sequence[tuple[str, object]], *, code: bool = False) -> tuple[Fact, ...]:
    """Return facts of (name, value), leaving out what is unset."""
    return tuple(Fact(name=name, value=shown(value), code=code) for name, value in pairs if value is not None)


def filled(grid: Grid) -> tuple[Grid, ...]:
    """Return the table where it has a row, else none."""
    return (grid,) if grid.rows else ()


def shown(value: object) -> str:
    """Return a value as people read it: thousands parted, lists joined, unset as a dash."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
        case list() | tuple() | set() | frozenset():
            return ", ".join(shown(item) for item in value) or "–"
        case Mapping():
            return ", ".join(f"{key} {shown(item)}" for key, item in value.items()) or "–"
        case _:
            return str(value)


def moment(time: str) -> str:
    """Return an RFC 3339 time in UTC as people read it: `2026-11-22 10:00:00 UTC`."""
    return time.replace("T", " ").replace("Z", " UTC")


def masked_count(count: int | None, minimum: int, step: int) -> str:
    """Return a count of people that may be read outside: rounded, below `minimum` only that it is so."""
    if count is None:
        return "–"
    if 0 < count < minimum:
        return f"fewer than {minimum}"
    rounded = (count + step // 2) // step * step
    return f"about {rounded:,}" if count else "0"
