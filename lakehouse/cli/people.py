"""Commands about one person: what is held on them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import as_document, context_of, print_table, replace_file


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("access")(write_access)


def write_access(
    context: typer.Context,
    person: Annotated[str, typer.Option(help="The identifier, exactly as the source writes it.")],
    system: Annotated[str, typer.Option(help="Whose identifier it is: gaitpdb, fhir or clinic.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write; it is replaced.")],
) -> None:
    """Hand a person everything that is held on them (role dpo).

    Reads: bronze, silver and both quarantines, under every alias of the person; sealed values are
    opened. Writes: one UTF-8 JSON file that only you can read. Nothing of it is printed.

    Example: livinglab access --person GaPt03 --system gaitpdb -o access.json
    """
    from lakehouse.pipeline.access import gather_access

    cli = context_of(context)
    site = cli.open()
    with cli.progress("reading every table"):
        held = gather_access(site, person, system)
    document = json.dumps(as_document(held.as_json()), ensure_ascii=False, allow_nan=False)
    replace_file(output, document.encode("utf-8", "backslashreplace") + b"\n")
    tables = [
        {"table": own.table, "version": own.version, "rows": len(own.rows), "columns": list(own.columns)}
        for own in held.tables
    ]
    cli.emit(
        {"file": str(output), "tables": tables, "releases": len(held.releases)},
        lambda console: print_table(
            console,
            ["table", "version", "rows"],
            [[own["table"], own["version"], own["rows"]] for own in tables],
            title=f"written to {output}",
            right=["version", "rows"],
        ),
    )
