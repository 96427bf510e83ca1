"""Commands that move data: land, refine, and what was set aside on the way."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import CliContext, context_of, print_table
from lakehouse.errors import WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.renewal import Renewal
    from lakehouse.pipeline.results import TableResult


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("land")(land_files)
    app.command("refine")(refine_dataset)
    app.command("quarantine")(show_quarantine)


def land_files(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="The data set: a contract in expectations/bronze.")],
    paths: Annotated[list[Path], typer.Argument(help="Files, archives or folders.")],
) -> None:
    """Land files as one batch of a bronze table, identifiers and free text sealed.

    Reads: the files, where they lie. Writes: bronze.DATASET, its quarantine, vault, log. Files of an
    earlier batch are a no-op; files inside the home's landing/ are deleted once their version is signed.

    Example: livinglab land gait_people demographics.txt
    """
    from lakehouse.pipeline.land import land

    cli = context_of(context)
    _require_input(cli, dataset, paths)
    site = cli.open(create=True)
    with cli.progress(f"landing {dataset}"):
        result = land(site, dataset, paths)
    cli.emit(
        {**result.as_json(), "batches": [result.as_json()]}, lambda console: _print_results(console, [result])
    )


def _require_input(cli: CliContext, dataset: str, paths: list[Path]) -> None:
    """Refuse a wrong data set or path before an empty home initialises itself for it."""
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.pipeline.land import require_files
    from lakehouse.sites import home_path, read_contracts

    if not home_path(cli.home).exists():
        require_files(read_contracts(read_site_file(cli.site_file).expectations).bronze(dataset), paths)


def refine_dataset(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(help="The data set: a contract in expectations/bronze.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="Version of bronze.DATASET. [default: newest]")] = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Instead: redo what changed rules and consents made stale.")
    ] = False,
) -> None:
    """Bring every silver table that reads a data set up to date.

    Reads: bronze.DATASET and what its silver tables read besides. Writes: those silver tables, their
    quarantines, log; with --stale also the releases that read them and the models that count who withdrew.
    Unchanged inputs give what there is. With --stale, what could not be made anew gives the exit code.

    Example: livinglab refine gait_people
    """
    from lakehouse.pipeline.refine import refine

    cli = context_of(context)
    if stale == (dataset is not None) or (stale and version is not None):
        raise WrongUse(
            "refine takes a data set or --stale",
            remedy="livinglab refine DATASET, or livinglab refine --stale",
        )
    if dataset is None:
        _refine_stale(cli)
        return
    site = cli.open()
    with cli.progress(f"refining {dataset}"):
        results = refine(site, dataset, version)
    said = [result.as_json() for result in results]
    cli.emit({**(said[0] if said else {}), "silver": said}, lambda console: _print_results(console, results))


def _refine_stale(cli: CliContext) -> None:
    from lakehouse.pipeline.renewal import refine_stale

    site = cli.open()
    with cli.progress("making anew what is stale"):
        renewal = refine_stale(site)
    cli.emit(renewal.as_json(), lambda console: _print_renewal(console, renewal))
    if renewal.error is not None:
        raise typer.Exit(renewal.error.exit_code)


def _print_renewal(console: "Console", renewal: "Renewal") -> None:
    if not renewal.stale and not renewal.stale_models:
        console.print("nothing is stale: all was made under the rules and consents there are")
        return
    if renewal.silver:
        _print_results(console, list(renewal.silver))
    for release in renewal.releases:
        console.print(f"{release.product}: {release.release} {release.state}{_again(release.repeated)}")
    for model in renewal.models:
        said = model.why or f"trained, {str(model.digest)[:16]}{_again(model.repeated)}"
        console.print(f"{model.name}: {said}", soft_wrap=True)
    for left in renewal.not_renewed:
        console.print(f"{left.name}: not made anew: {left.error.message}", soft_wrap=True)
        console.print(f"  {left.way_out}", soft_wrap=True)


def _again(repeated: bool) -> str:
    return " (repeated)" if repeated else ""


def show_quarantine(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="The data set: a contract in expectations/bronze.")],
    batch: Annotated[int | None, typer.Option(help="Only this batch.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Instead: read it again under the contract there is now.")
    ] = False,
) -> None:
    """Show what was set aside and why: place, reason, column; never a value or a file's name.

    With --retry, after a contract is mended: sealed rows are opened in memory and read again. What passes
    lands where it stood, the quarantine loses it, and the data set is refined. Done again, a no-op; a
    batch or reason that the data set never had is wrong use.
    Reads: the quarantine tables of the data set. Writes: nothing; with --retry bronze.DATASET, its
    quarantine, the silver tables that read it, vault, log.

    Example: livinglab quarantine gait_people --retry
    """
    from lakehouse.pipeline.set_aside import quarantined_rows

    cli = context_of(context)
    if retry:
        _retry_quarantine(cli, dataset, batch, reason)
        return
    found = quarantined_rows(cli.open(), dataset, batch)
    rows = [row for row in found if reason in (None, row["reason"])]
    names = ["table", "batch", "file", "row", "rows", "reason", "column"]

    def render(console: "Console") -> None:
        if not rows:
            console.print(f"nothing of {dataset} was set aside")
            return
        print_table(
            console, names, [[row[name] for name in names] for row in rows], right=["batch", "row", "rows"]
        )

    cli.emit({"rows": rows}, render)


def _retry_quarantine(cli: CliContext, dataset: str, batch: int | None, reason: str | None) -> None:
    from lakehouse.pipeline.retry import retry_quarantine

    site = cli.open()
    with cli.progress(f"reading again what was set aside of {dataset}"):
        retry = retry_quarantine(site, dataset, batch, reason)

    def render(console: "Console") -> None:
        tally = retry.tally
        console.print(
            f"{tally.retried} input rows of {dataset} were tried again: {tally.passed} passed, "
            f"{tally.still} are still set aside, of {tally.gone} the key is destroyed"
        )
        names = ["batch", "received", "accepted", "quarantined", "passed", "still"]
        said = [batch.as_json() for batch in retry.batches]
        print_table(console, names, [[row[name] for name in names] for row in said], right=names)
        if retry.silver:
            _print_results(console, list(retry.silver))

    cli.emit(retry.as_json(), render)


def _print_results(console: "Console", results: "list[TableResult]") -> None:
    names = ["table", "version", "received", "accepted", "quarantined", "rows", "leaf"]
    rows = [[*(getattr(result, name) for name in names), _reasons(result)] for result in results]
    print_table(console, [*names, "set aside because"], rows, right=names[1:])


def _reasons(result: "TableResult") -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(result.reasons.items()))
    return f"{reasons}{' (repeated)' if result.repeated else ''}"
