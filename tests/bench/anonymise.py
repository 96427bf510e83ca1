"""Anonymisation beside one plain group-by of the same rows, and beside anonypyx where it is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from pyarrow import csv

from lakehouse.adapters.box_search import Boxes
from lakehouse.adapters.group_search import Grouping
from lakehouse.core.release_rules import Recoding
from tests.bench.anonymise_file import TARGETS, anonymise_file
from tests.bench.census_rows import HIERARCHIES, write_census
from tests.bench.figures import Figure, in_turn, ratio_of, seconds

ROWS = 1_000_000
PEER_ROWS = 30_000
ROUNDS = 3
PROJECT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).with_name("peers")
WORDS = {Recoding.FULL_DOMAIN: "full-domain, least loss", Recoding.LOCAL: "local recoding"}


def group_by_figure(folder: Path, recoding: Recoding) -> Figure:
    """k, l and t of a million rows beside polars counting the same seven columns; both from file to file."""
    source = write_census(folder / "census.parquet", ROWS)

    def ours(_: int) -> None:
        anonymise_file(source, folder / "ours.parquet", recoding)

    def peer(_: int) -> None:
        pl.read_parquet(source).group_by(list(HIERARCHIES)).len().write_parquet(folder / "peer.parquet")

    peer(0)
    own, other = in_turn(ours, peer, ROUNDS)
    return Figure(
        what=f"anonymise {ROWS:,} rows, 7 quasi-identifiers, k 10, l 2, t 0.5, written: {WORDS[recoding]}",
        ours=f"{median(own):.2f} s",
        peer=f"{median(other):.2f} s: polars, one group-by, written",
        ratio=ratio_of(own, other),
        goal="at most 10x",
    )


def memory_figure(folder: Path, recoding: Recoding) -> Figure:
    """Peak memory of a process that does nothing else, and the loss it reached."""
    source = write_census(folder / "census.parquet", ROWS)
    told = run_peer(
        sys.executable, "-m", "tests.bench.anonymise_file", source, folder / "ours.parquet", recoding
    )
    return Figure(
        what=f"anonymise {ROWS:,} rows, {WORDS[recoding]}: peak memory of the process",
        ours=f"{told['peak_mib']} MiB, loss {told['loss']:.3f}",
        peer="",
        ratio=None,
        goal="under 512 MiB",
    )


def anonypyx_figure(folder: Path) -> Figure:
    """The same rows, k, l and t as anonypyx can do; LIVINGLAB_PEERS is the folder of its environment."""
    source = write_census(folder / "census-small.parquet", PEER_ROWS)

    def ours() -> Boxes | Grouping:
        return anonymise_file(source, folder / "ours.parquet", Recoding.LOCAL)

    loss = float(ours().loss)
    own = median(seconds(ours) for _ in range(ROUNDS))
    what = f"anonymise {PEER_ROWS:,} rows: k 10, l 2, t 0.5, {WORDS[Recoding.LOCAL]}"
    told_own, goal = f"{own:.2f} s, loss {loss:.3f}", "at most 0.01x, loss not higher"
    python = peer_python("anonypyx")
    if python is None:
        return Figure(what=what, ours=told_own, peer="anonypyx is not here", ratio=None, goal=goal)
    table = folder / "census-small.csv"
    csv.write_csv(pq.read_table(source), table)
    targets = (TARGETS.k, TARGETS.l, float(TARGETS.t))
    told = run_peer(python, PEERS / "anonypyx_file.py", table, *targets)
    return Figure(
        what=what,
        ours=told_own,
        peer=f"{told['seconds']:.0f} s, loss {told['loss']:.3f}: anonypyx, Mondrian",
        ratio=own / told["seconds"],
        goal=goal,
    )


def peer_python(name: str) -> Path | None:
    """Return the Python of a peer's own environment, or None where it was not made."""
    folder = os.environ.get("LIVINGLAB_PEERS")
    python = Path(folder) / name / "bin" / "python" if folder else None
    return python if python is not None and python.exists() else None


def run_peer(*command: object) -> dict[str, Any]:
    """Run a program that prints one JSON object and return that."""
    done = subprocess.run(
        [str(part) for part in command], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]
