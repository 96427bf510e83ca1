"""A receipt to be printed: one self-contained HTML page, or plain text; no script, nothing loaded."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from lakehouse.adapters.qr_codes import draw_code
from lakehouse.core.paper import PaperPart
from lakehouse.core.receipt_words import ReceiptWords

TEMPLATES = Path(__file__).with_name("report_templates")
_READ_CODES = (
    "Read every code with a telephone and copy each line of text it gives into one text file, in any order; "
    "or type the lines of the parts below. Part numbers and check digits find what is missing or mistyped."
)
_TAKE_TEXT = (
    "Give this file to the command as it is; from paper, type the lines of the parts into a text file. "
    "Part numbers and check digits find what is missing or mistyped."
)
_STEPS = (
    "Take the trust file of this log from somebody you trust, not from whoever gave you this receipt.",
    "Run one of the two commands below. Neither needs a network; the first needs only Python 3.9 and its "
    "package cryptography.",
    "Compare what the command prints with the words of this receipt. Only what the command prints is proved.",
)
LINE_WIDTH = 100
COMMANDS = (
    "python3 livinglab_verify.py receipt.txt --trust trust.json",
    "livinglab verify receipt.txt --trust trust.json",
)


def render_page(words: ReceiptWords, parts: Sequence[PaperPart]) -> str:
    """Return the page with words, codes, the same parts as text, and how to check them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("paper.html").render(
        words=words,
        parts=parts,
        codes=[Markup(draw_code(part)) for part in parts],
        steps=(_READ_CODES, *_STEPS),
        commands=COMMANDS,
        style=Markup((TEMPLATES / "paper.css").read_text(encoding="utf-8")),
    )


def render_text(words: ReceiptWords, parts: Sequence[PaperPart]) -> str:
    """Return the same without codes; the text can be given to the commands as it is."""
    width = max(len(name) for name in words.facts)
    lines = [words.title, "", words.sentence, "What follows is proved only once it is checked.", ""]
    lines += [f"{name.ljust(width)}  {value}" for name, value in words.facts.items()]
    lines += ["", "How to check it", *_numbered_steps()]
    lines += ["", *(f"   {command}" for command in COMMANDS), ""]
    return "\n".join(lines) + "\n" + "\n".join(part.block() for part in parts)


def _numbered_steps() -> list[str]:
    lines: list[str] = []
    for number, step in enumerate((_TAKE_TEXT, *_STEPS), 1):
        lines += wrap(step, LINE_WIDTH, initial_indent=f"{number}. ", subsequent_indent="   ")
    return lines
