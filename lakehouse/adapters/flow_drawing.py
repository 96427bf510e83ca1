"""The flow of a report as SVG: matplotlib draws what `flow_layout` places."""

from itertools import pairwise
from typing import Any

from lakehouse.adapters.flow_layout import BOX_HEIGHT, BOX_WIDTH, Layout, Point, place_boxes
from lakehouse.adapters.page_drawing import (
    ACCENT,
    ACCENT_SOFT,
    LINE,
    MUTED,
    PANEL,
    TEXT,
    drawing_settings,
    page_element,
)
from lakehouse.core.report import Flow, FlowNode


def draw_flow(flow: Flow, *, upright: bool = False) -> str:
    """Return the drawing as an `<svg>` element; stages run rightwards, or downwards when `upright`."""
    if not flow.nodes:
        return ""
    layout = place_boxes(flow, upright=upright)
    return _draw(flow, layout)


def _draw(flow: Flow, layout: Layout) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(drawing_settings(str(layout.upright))):
        figure = Figure(figsize=(layout.width / 72, layout.height / 72), dpi=72)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, layout.width)
        axes.set_ylim(layout.height, 0)
        axes.set_axis_off()
        for chain in layout.chains:
            _draw_arrow(axes, layout, chain)
        for node in flow.nodes:
            _draw_box(axes, layout.centres[node.key], node)
        return page_element(figure)


def _draw_box(axes: Any, centre: Point, node: FlowNode) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, top = centre[0] - BOX_WIDTH / 2, centre[1] - BOX_HEIGHT / 2
    axes.add_patch(
        FancyBboxPatch(
            (left, top),
            BOX_WIDTH,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=7",
            facecolor=ACCENT_SOFT if node.focus else PANEL,
            edgecolor=ACCENT if node.focus else LINE,
            linewidth=1.6 if node.focus else 1.0,
            clip_on=False,
        )
    )
    title_at = centre[1] - (9 if node.note else 0)
    face = {"ha": "center", "va": "center", "clip_on": False}
    axes.text(
        centre[0], title_at, node.title, size=_title_size(node.title), color=TEXT, weight="bold", **face
    )
    if node.note:
        axes.text(centre[0], centre[1] + 11, node.note, size=11, color=MUTED, **face)


def _title_size(title: str) -> float:
    """Return a size in pixels at which the title fits its box."""
    return min(12.5, 12.5 * 23 / max(len(title), 1))


def _draw_arrow(axes: Any, layout: Layout, chain: tuple[str, ...]) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    corners, moves = [], []
    for number, (here, there) in enumerate(pairwise(chain)):
        begin = _edge_of(layout, here, 1.0)
        stop = _edge_of(layout, there, -1.0)
        corners += [begin, *_controls(begin, stop, upright=layout.upright), stop]
        moves += [Path.LINETO if number else Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    arrow = FancyArrowPatch(
        path=Path(corners, moves),
        arrowstyle="-|>,head_length=4.5,head_width=2.4",
        color=LINE,
        linewidth=1.2,
        zorder=0,
    )
    arrow.set_clip_on(False)
    axes.add_patch(arrow)


def _edge_of(layout: Layout, key: str, side: float) -> Point:
    """Return where an edge leaves (side 1) or meets (side -1) a box or bend."""
    x, y = layout.centres[key]
    if layout.upright:
        return x, y + side * BOX_HEIGHT / 2
    return x + side * BOX_WIDTH / 2, y


def _controls(begin: Point, stop: Point, *, upright: bool) -> tuple[Point, Point]:
    middle = ((begin[0] + stop[0]) / 2, (begin[1] + stop[1]) / 2)
    if upright:
        return (begin[0], middle[1]), (stop[0], middle[1])
    return (middle[0], begin[1]), (middle[0], stop[1])
