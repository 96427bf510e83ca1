"""`make bench`: measure, print, and put the table into docs/benchmarks.md."""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from lakehouse.core.release_rules import Recoding
from tests.bench.adult import lattice_figure, pycanon_figure, risk_figure
from tests.bench.anonymise import anonypyx_figure, group_by_figure, memory_figure
from tests.bench.demo_run import run_demo
from tests.bench.detection import detection_steps
from tests.bench.figures import Figure, write_table
from tests.bench.log_steps import fsck_figure, inclusion_figure, root_figure
from tests.bench.small_steps import ask_figure, leaves_figure, predict_figure, verify_figure
from tests.bench.walks import walks_figure

PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run every measurement on the real data where it is, else on generated people."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=2, help="rounds of the walks")
    rounds = options.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="livinglab-bench-") as folder:
        figures = measure(Path(folder), rounds)
    write_table(figures, _about())


def measure(folder: Path, rounds: int) -> list[Figure]:
    """Return the figures of this run; every home is made under `folder`."""
    os.environ["LIVINGLAB_KEYS"] = str(folder / "keys")
    from lakehouse.sites import open_site

    source = _source()
    demo = run_demo(folder / "home", source)
    site = open_site(home=folder / "home")
    walks = source / "gaitpdb" / "walks.tar.xz" if source else _generated_walks(folder)
    steps: tuple[Callable[[], Figure], ...] = (
        lambda: _demo_time(demo.seconds, source),
        lambda: _demo_memory(demo.peak_mib),
        lambda: ask_figure(site),
        lambda: predict_figure(site),
        lambda: leaves_figure(folder / "one", 1),
        lambda: leaves_figure(folder / "many", 200),
        lambda: verify_figure(site),
        root_figure,
        lambda: inclusion_figure(folder / "million"),
        lambda: fsck_figure(open_site(home=folder / "walked", create=True)),
        lambda: walks_figure(lambda name: open_site(home=folder / name, create=True), walks, rounds),
        *(
            partial(step, folder, recoding)
            for recoding in Recoding
            for step in (group_by_figure, memory_figure)
        ),
        lambda: anonypyx_figure(folder),
        *_adult_steps(source, folder),
        *detection_steps(source, folder),
    )
    figures = []
    for step in steps:
        figures.append(step())
        sys.stdout.write(f"{figures[-1].line()}\n")
        sys.stdout.flush()
    return figures


def _source() -> Path | None:
    shared = Path(os.environ.get("LIVINGLAB_SHARED") or PROJECT / ".." / "shared") / "data"
    return shared.resolve() if shared.is_dir() else None


def _adult_steps(source: Path | None, folder: Path) -> tuple[Callable[[], Figure], ...]:
    """Return what is measured on the real Adult table, where it is."""
    adult = None if source is None else source / "adult_arx"
    if adult is None or not adult.is_dir():
        return ()
    return (
        lambda: pycanon_figure(adult, folder),
        lambda: risk_figure(adult),
        lambda: lattice_figure(adult),
    )


def _generated_walks(folder: Path) -> Path:
    from lakehouse.samples import write_sample

    write_sample(folder / "sample", people=60, seed=1)
    return folder / "sample" / "gaitpdb"


def _demo_time(seconds: float, source: Path | None) -> Figure:
    kind, goal = ("the real files", "480 s") if source else ("60 generated people", "240 s")
    return Figure(what=f"demo on {kind}", ours=f"{seconds:.0f} s", peer="", ratio=None, goal=f"under {goal}")


def _demo_memory(peak_mib: int) -> Figure:
    return Figure(
        what="demo: peak memory of all processes (PSS)",
        ours=f"{peak_mib} MiB",
        peer="",
        ratio=None,
        goal="under 6144 MiB",
    )


def _about() -> str:
    today = datetime.now(UTC).date().isoformat()
    return f"Measured {today}, {os.cpu_count()} cores, Python {platform.python_version()}, by `make bench`."


if __name__ == "__main__":
    main()
