"""`paper`: a proof bundle as a page to be printed, with codes for a telephone and the same as text."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import context_of, print_facts, replace_file
from lakehouse.errors import NotVerified, UnreadableInput, WrongUse

LARGEST_FILE = 1 << 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("paper")(write_paper_receipt)


def write_paper_receipt(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The proof bundle.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write: .html or .txt.")],
) -> None:
    """Write a proof bundle as a page to be printed: plain words, QR codes, and the same as text.

    Reads BUNDLE; needs no home and no keys. Writes FILE, .html with codes or .txt without.
    `verify` takes either, and what was read from the printed page.
    Example: livinglab paper proof.json -o receipt.html
    """
    from lakehouse.adapters.paper_page import render_page, render_text
    from lakehouse.core.bundle import parse_bundle
    from lakehouse.core.paper import write_paper
    from lakehouse.core.receipt_words import describe_bundle

    renderers = {".html": render_page, ".txt": render_text}
    if output.suffix not in renderers:
        raise WrongUse("the output file ends in neither .html nor .txt", remedy="-o receipt.html")
    content = _read_bundle(file)
    words, parts = describe_bundle(parse_bundle(content)), write_paper(content)
    replace_file(output, renderers[output.suffix](words, parts).encode(), mode=0o644)
    fields = {"file": str(output), "parts": len(parts), "bundle_bytes": len(content)}
    context_of(ctx).emit(fields, lambda console: print_facts(console, fields))


def _read_bundle(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UnreadableInput("the proof bundle cannot be read", remedy="check the path") from error
    if len(content) > LARGEST_FILE:
        raise NotVerified(f"the proof bundle is larger than {LARGEST_FILE} bytes")
    return content
