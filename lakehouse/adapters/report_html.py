"""A report as one self-contained HTML page: style, drawing and JSON-LD inside, nothing loaded."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lakehouse.adapters.flow_drawing import draw_flow
from lakehouse.adapters.loss_drawing import draw_loss
from lakehouse.core.formulas import without_formula
from lakehouse.core.report import Flow, Page, Tile

TEMPLATES = Path(__file__).with_name("report_templates")
WIDEST_STAGE_UPRIGHT = 2
"""Boxes side by side that a telephone can show; a wider drawing is told there stage by stage instead."""

MOST_TILES_IN_A_ROW = 6
LONGEST_SHORT_VALUE = 8


def render_page(page: Page) -> str:
    """Return the page as HTML; every value is escaped, and no cell is a formula where it is pasted."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["no_formula"] = without_formula
    charts = {
        section.anchor: [Markup(draw_loss(section.chart, narrow=narrow)) for narrow in (False, True)]
        for section in page.sections
        if section.chart is not None
    }
    drawings = {"wide": Markup(draw_flow(page.flow)), "tall": Markup(_upright_drawing(page.flow))}
    return environment.get_template("page.html").render(
        page=page,
        tile_columns=_tile_columns(page.tiles),
        flow=drawings,
        charts=charts,
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        linked_data=Markup(_script_text(render_linked_data(page))),
    )


def render_linked_data(page: Page) -> str:
    """Return the page's JSON-LD as text, its members in order."""
    return json.dumps(page.linked_data, indent=1, ensure_ascii=False, allow_nan=False)


def _tile_columns(tiles: Sequence[Tile]) -> int:
    """Return how many tiles stand in a row: one row of short values, else two rows alike."""
    longest = max((len(tile.value) for tile in tiles), default=0)
    one_row = len(tiles) <= MOST_TILES_IN_A_ROW and longest <= LONGEST_SHORT_VALUE
    return len(tiles) if one_row else (len(tiles) + 1) // 2


def _upright_drawing(flow: Flow) -> str:
    breadth = max(Counter(node.stage for node in flow.nodes).values(), default=0)
    return draw_flow(flow, upright=True) if breadth <= WIDEST_STAGE_UPRIGHT else ""


def _script_text(text: str) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
