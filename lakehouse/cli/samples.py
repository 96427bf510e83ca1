"""`livinglab sample` and `livinglab fetch`: input to work with. Neither needs a home, a role or keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from lakehouse.cli.output import context_of, print_facts

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("sample")(sample)
    app.command("fetch")(fetch)


def sample(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into; made if missing.")],
    people: Annotated[int, typer.Option(help="How many people, 10 to 1000.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
) -> None:
    """Write generated people in the formats of the real sources, traps included.

    Reads nothing. Writes DIR/gaitpdb, DIR/fhir, DIR/clinic_notes, DIR/consent and DIR/MANIFEST.tsv; what
    an earlier call wrote there is replaced.

    Example: livinglab sample /tmp/people --people 60
    """
    from lakehouse.samples.source_folder import write_sample

    context = context_of(ctx)
    with context.progress(f"generating {people} people"):
        written = write_sample(folder, people=people, seed=seed)

    def render(console: "Console") -> None:
        print_facts(console, {"folder": folder, "people": people, "seed": seed, "files": len(written)})
        console.print(f"next: livinglab demo --source {folder}")

    context.emit({"files": [str(path) for path in written], "people": people, "seed": seed}, render)


def fetch(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to fetch: gaitpdb or daphnet.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Source folder to write into.")],
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Fetch from here instead of from the publisher.")
    ] = None,
) -> None:
    """Fetch a public original, hold it against pinned sizes and digests, go on where it stopped.

    Reads from the publisher (PhysioNet for gaitpdb, UCI's archive for daphnet). Writes DIR/NAME; DIR is then
    a source.

    Example: livinglab fetch gaitpdb ../originals
    """
    from lakehouse.adapters.public_originals import FetchedFile, FetchState, fetch_original, pinned_files

    context = context_of(ctx)
    fetched: list[FetchedFile] = []
    with context.progress(f"fetching {name}", total=len(pinned_files(name))) as advance:
        for file in fetch_original(name, folder, base_url=base_url):
            fetched.append(file)
            advance(1)
    states = {state: sum(file.state == state for file in fetched) for state in get_args(FetchState)}

    def render(console: "Console") -> None:
        print_facts(console, {"folder": folder, "files": len(fetched), **states})

    context.emit({"files": [str(file.path) for file in fetched], "name": name, **states}, render)
