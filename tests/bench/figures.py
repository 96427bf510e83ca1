"""A measured figure beside its peer's, and the table they go to."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

TABLE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. `ratio` is ours over the peer's, where there is a peer."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    goal: str

    def line(self) -> str:
        """Return the line as Markdown."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        return f"| {self.what} | {self.ours} | {self.peer} | {ratio} | {self.goal} |"


def seconds(action: Callable[[], object]) -> float:
    """Return how long one call takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def in_turn(
    ours: Callable[[int], object], peer: Callable[[int], object], rounds: int
) -> tuple[list[float], list[float]]:
    """Time both in turn, so that both meet the machine in one state; each call gets its round's number."""
    own: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        other.append(seconds(lambda number=number: peer(number)))
        own.append(seconds(lambda number=number: ours(number)))
    return own, other


def ratio_of(own: Sequence[float], other: Sequence[float]) -> float:
    """Return the median of the rounds' ratios."""
    return median(a / b for a, b in zip(own, other, strict=True))


def write_table(figures: Sequence[Figure], about: str) -> None:
    """Put the figures of this run between the marks in docs/benchmarks.md."""
    lines = [about, "", "| what | LivingLab | peer in the same run | ratio | goal |", "|---|---|---|---|---|"]
    body = "\n".join([*lines, *(figure.line() for figure in figures)])
    before, _, rest = TABLE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    TABLE.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}")
