"""The picture of `make scale`: what a row costs, and what memory the processes hold, against rows."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.scale import Run

STEPS = ("land", "refine", "publish")
COLOURS = {"land": "#3b6ea5", "refine": "#b5651d", "publish": "#4f7d4f"}


def draw_costs(runs: "Sequence[Run]") -> str:
    """Return an SVG with two panels: microseconds a row of each step, and peak memory in GiB."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "livinglab", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    rows = [run.rows for run in runs]
    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    for step in STEPS:
        cost.plot(rows, [run.micros(step) for run in runs], "o-", color=COLOURS[step], label=step)
    cost.set(xscale="log", xlabel="rows of walks", ylabel="µs a row", ylim=(0, None))
    cost.legend(frameon=False)
    memory.plot(rows, [run.peak_mib / 1024 for run in runs], "o-", color="#555555")
    memory.set(xscale="log", xlabel="rows of walks", ylabel="peak memory, all processes, GiB", ylim=(0, None))
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return sink.getvalue()
