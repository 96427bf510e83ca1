"""`move-stores`: registry and vault to PostgreSQL, or back into files of the home."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import context_of, print_facts


def register(app: typer.Typer) -> None:
    """Add the command of this group."""
    app.command("move-stores")(move_stores)


def move_stores(
    context: typer.Context,
    target: Annotated[
        Path, typer.Option("--to", metavar="SITE_FILE", help="The site file that says where they shall be.")
    ],
) -> None:
    """Move registry and vault to where another site file keeps them: PostgreSQL, or files (role engineer).

    Nobody else may use the home meanwhile: stop demo, UI and services, and make a backup before. Reads both
    stores and checks every row. Writes them to [stores] of SITE_FILE, then home.json, then drops the old
    ones; killed before that, the home is as it was. Afterwards every command needs --site SITE_FILE.

    Example: livinglab move-stores --to infra/sites/postgresql.toml
    """
    from lakehouse.sites import move_home_stores

    cli = context_of(context)
    found = move_home_stores(cli.open(), target).as_json()
    cli.emit(found, lambda console: print_facts(console, found))
