"""`lineage replay`: OpenLineage events for catalogues outside."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import context_of, replace_file
from lakehouse.errors import WrongUse

TOKEN = "LIVINGLAB_LINEAGE_TOKEN"


def register(app: typer.Typer) -> None:
    """Add the group `lineage`."""
    group = typer.Typer(
        cls=SentenceGroup, help="Tell catalogues outside what was made from what.", rich_markup_mode=None
    )
    group.callback()(_group)
    group.command("replay")(replay)
    app.add_typer(group, name="lineage")


def _group() -> None:
    """Tell catalogues outside what was made from what (OpenLineage)."""


def replay(
    context: typer.Context,
    url: Annotated[str | None, typer.Option("--url", help="Where events are sent, one POST each.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file to write.")] = None,
) -> None:
    """Give the lineage of every table version as OpenLineage events, to a receiver or a file.

    Events hold digests, table and column names and rounded counts, no value of a person. Replayed again
    they are the same events. A token in LIVINGLAB_LINEAGE_TOKEN goes along as a bearer token.
    Reads: the registry and the contracts; no row of any table.
    Writes: FILE, one JSON object a line, which only you can read; or to the receiver.

    Example: livinglab lineage replay -o lineage.ndjson
    """
    if (url is None) == (output is None):
        raise WrongUse("name one place: --url or -o", remedy="livinglab lineage replay --help")
    from lakehouse.adapters.lineage_receiver import LineageReceiver
    from lakehouse.pipeline.lineage import event_lines, send_events

    cli = context_of(context)
    receiver = LineageReceiver(url=url, token=os.environ.get(TOKEN)) if url else None
    site = cli.open(replay=False)
    if receiver is not None:
        with cli.progress("sending lineage") as advance:
            done = send_events(site, receiver, advance)
    else:
        content, done = event_lines(site)
        replace_file(Path(str(output)), content)
    told = {**done.as_json(), "url": url, "file": None if output is None else str(output)}
    cli.emit(told, lambda console: console.print(f"{done.events} events of {done.runs} runs"))
