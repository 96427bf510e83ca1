"""`make scale`: what a row costs from land to publish as rows grow, in docs/benchmarks.md and scale.svg.

Each run is a process of its own with a new home. `--rows` names other sizes (none: no walks), `--registry 0`
leaves out the comparison with a pipeline without privacy work; what is left out keeps the figures of before.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.scale_drawing import draw_costs
from tests.bench.watched_child import run_watched

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "benchmarks.md"
PICTURE = PROJECT / "docs" / "scale.svg"
BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
STEPS = ("land", "refine", "publish")
SIZES = (100_000, 1_000_000, 10_000_000)
REGISTRY_ROWS, ENTRIES = 1_000_000, (10, 1)
REGISTRY_KINDS = {
    "registry": "LivingLab",
    "unprotected": "no privacy work",
    "bare": "no checks, no proofs either",
}
RATIOS = {
    "unprotected": "ratio to no privacy work (aim 1.5x, at most 5x)",
    "bare": "ratio to reading, three writes and the SQL alone",
}
FLAT = 1.2
MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was measured, rows, seconds a step, peak memory of its processes in MiB."""

    kind: str
    rows: int
    seconds: Mapping[str, float]
    peak_mib: int
    state: str

    @property
    def total(self) -> float:
        """Seconds of all steps."""
        return sum(self.seconds.values())

    def micros(self, step: str | None = None) -> float:
        """Return microseconds a row, of one step or of all."""
        return MICRO * (self.seconds[step] if step else self.total) / self.rows


def main() -> None:
    """Measure, and rewrite the section and the picture."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="*", default=list(SIZES), help="rows of walks")
    options.add_argument("--registry", type=int, default=REGISTRY_ROWS, help="rows of the registry; 0: none")
    options.add_argument("--entries", type=int, nargs="+", default=list(ENTRIES), help="rows a person has")
    asked = options.parse_args()
    walks = [measured("walks", rows) for rows in asked.rows]
    compared = {
        entries: {kind: measured(kind, asked.registry, entries) for kind in REGISTRY_KINDS}
        for entries in (asked.entries if asked.registry else ())
    }
    if walks:
        PICTURE.write_text(draw_costs(walks), encoding="utf-8")
    own = walk_lines(walks) if walks else earlier_lines("| rows of walks |")
    beside = registry_lines(compared) if compared else earlier_lines("| registry |")
    write_section([about(), "", *own, "", *beside])


def measured(kind: str, rows: int, entries: int = 1) -> Run:
    """Run `scale_steps` in a new folder and say what it took."""
    with tempfile.TemporaryDirectory(prefix="livinglab-scale-") as folder:
        command = [sys.executable, "-m", "tests.bench.scale_steps", kind, str(rows), folder, str(entries)]
        watched = run_watched(command, {**os.environ, "LIVINGLAB_KEYS": f"{folder}/keys"})
    said = json.loads(watched.output)
    run = Run(kind=kind, rows=rows, seconds=said["seconds"], peak_mib=watched.peak_mib, state=said["state"])
    sys.stdout.write(f"{kind} {rows:,}: {run.total:.0f} s, {run.micros():.1f} µs a row, {run.peak_mib} MiB\n")
    sys.stdout.flush()
    return run


def walk_lines(runs: Sequence[Run]) -> list[str]:
    """Return the table of the walks; each row's cost beside that of the size before."""
    head = ("rows of walks", "people", *STEPS, "a row, all three", "against the size before", "peak memory")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for number, run in enumerate(runs):
        steps = " | ".join(f"{run.seconds[step]:.1f} s" for step in STEPS)
        against = _flatness(run.micros() / runs[number - 1].micros()) if number else ""
        lines.append(
            f"| {run.rows:,} | {run.rows // 10_000:,} | {steps} | {run.micros():.1f} µs | {against} "
            f"| {run.peak_mib} MiB |"
        )
    return lines


def _flatness(ratio: float) -> str:
    """Return a ratio, and whether it is flat: no more than a fifth above the size before."""
    return f"{ratio:.2f}x, {'flat or less' if ratio <= FLAT else 'more than 20 % above'}"


def registry_lines(compared: Mapping[int, Mapping[str, Run]]) -> list[str]:
    """Return the table of the registry beside what it is compared with, by entries a person."""
    lines = ["| registry | land | refine | publish | all | peak memory |", "|---|---|---|---|---|---|"]
    return lines + [line for entries, runs in compared.items() for line in _compared_lines(runs, entries)]


def _compared_lines(runs: Mapping[str, Run], entries: int) -> list[str]:
    own = runs["registry"]
    lines = []
    for kind, name in REGISTRY_KINDS.items():
        run = runs[kind]
        steps = " | ".join(f"{run.seconds[step]:.1f} s" for step in STEPS)
        people = f"{run.rows:,} rows, {run.rows // entries:,} people"
        lines.append(f"| {name}, {people} | {steps} | {run.total:.1f} s | {run.peak_mib} MiB |")
    return [*lines, *(_ratio_line(own, runs[kind], said) for kind, said in RATIOS.items())]


def _ratio_line(own: Run, other: Run, said: str) -> str:
    ratios = " | ".join(f"{own.seconds[step] / other.seconds[step]:.1f}x" for step in STEPS)
    return f"| {said} | {ratios} | {own.total / other.total:.1f}x | |"


def earlier_lines(head: str) -> list[str]:
    """Return the table of the page that begins with `head`, where this run does not measure it anew."""
    section = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    _, found, rest = section.partition(head)
    return [*f"{found}{rest}".partition("\n\n")[0].splitlines()] if found else []


def about() -> str:
    """Return when and where it was measured."""
    load = os.getloadavg()[0]
    today = datetime.now(UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, load {load:.1f} at the end"
    return f"Measured {today}, {machine}, Python {platform.python_version()}, by `make scale`."


def write_section(lines: Sequence[str]) -> None:
    """Put the lines between the marks in docs/benchmarks.md."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    if not found:
        raise RuntimeError(f"{PAGE.name} has no {BEGIN}")
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
