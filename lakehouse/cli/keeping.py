"""`upgrade`: what keeps a home over years."""

import typer

from lakehouse.cli.output import context_of


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("upgrade")(upgrade)


def upgrade(context: typer.Context) -> None:
    """Bring a home that an earlier LivingLab made to the format of this one (role engineer).

    Checks both databases, copies them, changes them step by step; stopped, it goes on where it was. Proofs
    given out stay valid. Reads and writes: registry.db, vault.db and home.json; not the log, not the lake.

    Example: livinglab upgrade --home .livinglab
    """
    from lakehouse.sites import upgrade_home

    cli = context_of(context)
    with cli.progress("upgrading"):
        done = upgrade_home(cli.site_file, cli.home, cli.as_name)
    if done.repeated:
        said = f"the home has format {done.after}: nothing to do"
    else:
        said = "\n".join([*done.steps, f"the home has format {done.after} now; it had format {done.before}"])
    cli.emit(done.as_json(), lambda console: console.print(said))
