"""`lineage replay`: OpenLineage events for catalogues outside."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import CliContext, context_of, replace_file
from lakehouse.errors import Unavailable, WrongUse


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
    they are the same events. A token in LIVINGLAB_LINEAGE_TOKEN goes along as a bearer token. Without --url
    and -o the place that [lineage] of the site file names gets what it has not had, and once more what it
    refused.
    Reads: the registry and the contracts; no row of any table.
    Writes: FILE, one JSON object a line, which only you can read; or to the receiver.

    Example: livinglab lineage replay -o lineage.ndjson
    """
    if url is not None and output is not None:
        raise WrongUse("name one place: --url or -o", remedy="livinglab lineage replay --help")
    if url is None and output is None:
        _send_what_waits(context_of(context))
        return
    from lakehouse.adapters.lineage_receiver import LineageReceiver
    from lakehouse.adapters.lineage_settings import TOKEN
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


def _send_what_waits(cli: CliContext) -> None:
    """Send to the place of the site file what it has not had or refused; WrongUse where it names none."""
    from lakehouse.pipeline.lineage_outbox import send_waiting

    site = cli.open(replay=False)
    site.actor.require("report")
    if not site.lineage.wanted:
        raise WrongUse(
            "no place is named for the events", remedy="give --url or -o, or [lineage] in the site file"
        )
    with cli.progress("sending lineage"):
        sent = send_waiting(site, again=True)
    if sent.refused:
        raise Unavailable(
            f"the lineage receiver refused {sent.refused} events; {sent.events} others went out",
            remedy="see what it logs, then livinglab lineage replay",
            events=sent.events,
            refused=sent.refused,
        )
    told = {"events": sent.events, "runs": sent.events // 2, "refused": 0, "url": None, "file": None}
    cli.emit(told, lambda console: console.print(f"{sent.events} events of {sent.events // 2} runs"))
