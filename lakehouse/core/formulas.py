"""Text that a spreadsheet would run: it gets an apostrophe in front, numbers stay numbers.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20"
_RUN_BEHIND = re.compile(r"[\s\x00-\x1f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*")
"""Blanks, controls and invisible characters that a spreadsheet may drop before it looks."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?( ?%)?", re.ASCII)


def without_formula(text: str) -> str:
    """Return the text, with an apostrophe before what could be a formula: also full-width signs, tab, return.

    `-3.5`, `+1e-3` and `-2 %` are numbers and stay.
    """
    if not text or _NUMBER.fullmatch(text):
        return text
    first = _RUN_BEHIND.match(text)
    behind = text[first.end() :] if first else text
    return f"'{text}" if behind.startswith(tuple(_STARTS)) or text[0] in "\t\r\n" else text
