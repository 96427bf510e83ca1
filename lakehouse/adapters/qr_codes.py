"""QR codes as SVG (ISO/IEC 18004) through segno."""

from typing import TYPE_CHECKING

from lakehouse.core.paper import PaperPart

if TYPE_CHECKING:
    import segno

QUIET_ZONE = 4
"""Modules of white around a code, as the standard asks."""


def make_code(part: PaperPart) -> "segno.QRCode":
    """Return the code of one part: alphanumeric, error level M (15 % may be lost), 97 modules at most."""
    import segno

    return segno.make_qr(part.line(), error="M", mode="alphanumeric", boost_error=False)


def draw_code(part: PaperPart) -> str:
    """Return the code of one part as SVG, its size set by the page's style."""
    drawing: str = make_code(part).svg_inline(border=QUIET_ZONE, omitsize=True, dark="#000", light="#fff")
    return drawing
