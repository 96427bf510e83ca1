"""Drawings of a report: matplotlib's SVG as an element of the page.

Text stays text. Colours are written as CSS variables of the page, so that one drawing serves light,
dark and print.
"""

import io
import re
from typing import Any

LEAST_SCALE = 0.8
INK = {
    "#010101": "var(--ink)",
    "#020202": "var(--muted)",
    "#030303": "var(--line-strong)",
    "#040404": "var(--panel)",
    "#050505": "var(--accent)",
    "#060606": "var(--accent-soft)",
}
TEXT, MUTED, LINE, PANEL, ACCENT, ACCENT_SOFT = INK


def drawing_settings(salt: str) -> dict[str, str]:
    """Return matplotlib's settings for a drawing; salt: what makes its inner names its own."""
    return {"svg.fonttype": "none", "svg.hashsalt": f"livinglab-{salt}", "font.family": "sans-serif"}


def page_element(figure: Any) -> str:
    """Return a figure as an `<svg>` element alone, with the page's colours and the reader's fonts."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    document = written.getvalue()
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r"<defs>\s*<style.*?</defs>", "", element, flags=re.DOTALL)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"', _own_width, element, count=1)
    element = element.replace("<svg ", '<svg role="presentation" ', 1)
    element = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", element)
    element = re.sub(r"(font: [\d.]+px) [^;\"]*", r"\1 var(--sans)", element)
    for colour, variable in INK.items():
        element = element.replace(colour, variable)
    return element.strip()


def _own_width(opening: re.Match[str]) -> str:
    """Let the drawing shrink to the page, down to what can still be read; then it scrolls."""
    width = float(opening[2])
    return f'{opening[1]} style="width: {width:.0f}px; --least: {width * LEAST_SCALE:.0f}px"'
