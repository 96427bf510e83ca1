"""Loss over k as SVG: a step of k at equal distance, the k in force marked (matplotlib)."""

from typing import Any

from lakehouse.adapters.page_drawing import (
    ACCENT,
    LINE,
    MUTED,
    PANEL,
    TEXT,
    drawing_settings,
    page_element,
)
from lakehouse.core.report import LossChart

SIZES = {False: (640, 270), True: (340, 250)}
"""Width and height in pixels, wide and narrow."""

TEXT_SIZE = 12
STEEP = 0.1
"""A rise of the loss from which a figure above its point would stand on the line."""


def draw_loss(chart: LossChart, *, narrow: bool = False) -> str:
    """Return the drawing as an `<svg>` element of the page."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    width, height = SIZES[narrow]
    with mpl.rc_context(drawing_settings(f"loss-{narrow}")):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        left, below = 44 / width, 46 / height
        axes = figure.add_axes((left, below, 1 - left - 14 / width, 1 - below - 18 / height))
        _draw_axes(axes, chart)
        _draw_points(axes, chart)
        return page_element(figure)


def _draw_axes(axes: Any, chart: LossChart) -> None:
    places = range(len(chart.points))
    axes.set_xlim(-0.5, len(chart.points) - 0.5)
    axes.set_ylim(0, 1)
    axes.set_xticks(list(places), [str(k) for k, _ in chart.points])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xlabel("k: people at least who look alike", color=MUTED, size=TEXT_SIZE, labelpad=6)
    axes.tick_params(colors=MUTED, labelsize=TEXT_SIZE, length=0)
    axes.grid(axis="y", color=LINE, linewidth=0.6, alpha=0.45)
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)


def _draw_points(axes: Any, chart: LossChart) -> None:
    losses = [loss for _, loss in chart.points]
    axes.plot(losses, color=ACCENT, linewidth=2, clip_on=False, zorder=3)
    for place, (k, loss) in enumerate(chart.points):
        here = k == chart.marked
        face = ACCENT if here else PANEL
        axes.plot(
            [place], [loss], marker="o", markersize=9 if here else 6, markerfacecolor=face,
            markeredgecolor=ACCENT, markeredgewidth=1.6, clip_on=False, zorder=4,
        )  # fmt: skip
        rises = place + 1 < len(losses) and losses[place + 1] - loss > STEEP
        axes.annotate(
            f"{loss:.2f}", (place, loss), xytext=(4 if rises else 0, 9), textcoords="offset points",
            ha="right" if rises else "center", size=TEXT_SIZE,
            color=TEXT if here else MUTED, weight="bold" if here else "normal",
        )  # fmt: skip
