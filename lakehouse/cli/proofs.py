"""`prove`, `fsck`: what the log says. (`verify`: `cli.verifying`, `log` and `trust`: `cli.log`.)"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.home_folder import home_of
from lakehouse.cli.output import context_of, print_facts, print_table, replace_file
from lakehouse.errors import Damaged, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.fsck import FsckResult
    from lakehouse.pipeline.prove import Proof
    from lakehouse.pipeline.site import Site


def register(app: typer.Typer) -> None:
    """Add the commands about proofs."""
    app.command("prove")(write_proof)
    app.command("optimise")(join_files)
    app.command("fsck")(check_site)


def write_proof(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="TABLE[@V] | RECEIPT", help="What to prove.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    opening: Annotated[
        Path | None, typer.Option(help="Also write the opening of this one leaf (roles dpo, auditor).")
    ] = None,
    existence: Annotated[bool, typer.Option("--existence", help="Leave the statements out.")] = False,
    person: Annotated[
        str | None,
        typer.Option(help="With this person's leaf of the table (role dpo); needs --system, --rows."),
    ] = None,
    system: Annotated[str | None, typer.Option(help="Id system of --person.")] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Private file to write: that person's rows and receipt key, for them.")
    ] = None,
) -> None:
    """Write the proof bundle of a table version, an answer, a release, a decision or a model.

    Reads registry and log. Writes FILE; with --opening the key, details and consents of this leaf, for an
    auditor; with --person the rows from which that person recomputes their own leaf.
    Example: livinglab prove gold.gait_by_cohort -o proof.json
    """
    from lakehouse.pipeline.prove import open_leaf, prove

    context = context_of(ctx)
    named = (person, system, rows)
    if any(named) and not all(named):
        raise WrongUse(
            "a person's own proof needs three options", remedy="--person ID --system S --rows FILE"
        )
    site = context.open()
    if opening is not None:
        site.actor.require("openings")
    if person and system and rows:
        proof, others = _write_person_proofs(site, what, person, system, output, rows)
    else:
        proof, others = prove(site, what, existence=existence), []
        replace_file(output, proof.bundle, mode=0o644)
    if opening is not None:
        replace_file(opening, open_leaf(site, proof.leaf).render())
    fields = {
        "file": str(output),
        **proof.as_json(),
        "opening": str(opening) if opening else None,
        "rows": str(rows) if rows else None,
        "also": others,
    }
    shown = {"file": output, "leaf": proof.leaf, "log": f"{proof.head.size} leaves, {proof.head.origin}"}
    context.emit(fields, lambda console: print_facts(console, shown))


def join_files(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="layer.table")],
) -> None:
    """Join a table's small files (Delta OPTIMIZE); what it holds, and every proof of it, stays.

    Reads the table's newest version. Writes one version with a leaf of its own, or none where there is
    nothing to join (role engineer).
    Example: livinglab optimise bronze.gait_walks
    """
    from lakehouse.pipeline.optimise import optimise

    context = context_of(ctx)
    fields = optimise(context.open(), table).as_json()
    context.emit(fields, lambda console: print_facts(console, fields))


def _write_person_proofs(
    site: "Site", what: str, person: str, system: str, output: Path, rows: Path
) -> tuple["Proof", list[dict[str, str]]]:
    """Write a bundle and a private file for each pseudonym of the person; further ones get a number."""
    from lakehouse.pipeline.person_receipt import prove_rows

    made = prove_rows(site, what, person, system)
    files = [(_numbered(output, number), _numbered(rows, number)) for number in range(len(made))]
    for own, (bundle, private) in zip(made, files, strict=True):
        replace_file(bundle, own.proof.bundle)
        replace_file(private, own.rows)
    others = [{"file": str(bundle), "rows": str(private)} for bundle, private in files[1:]]
    return made[0].proof, others


def _numbered(path: Path, number: int) -> Path:
    return path if number == 0 else path.with_name(f"{path.stem}-{number + 1}{path.suffix}")


def check_site(ctx: typer.Context) -> None:
    """Walk every Delta version, registry row and log file against each other; exit 6 where they differ.

    Reads the whole home and its keys. Ends first what a killed process left; else writes nothing.
    Example: livinglab fsck
    """
    from lakehouse.pipeline.fsck import check_databases, check_home, failed, unwatched

    context = context_of(ctx)
    try:
        broken = check_databases(home_of(context.home))
        progress = context.progress if sys.stderr.isatty() else unwatched
        result = broken or check_home(context.open(replay=False), context.notice, progress)
    except Damaged as error:
        result = failed(error, [])
    context.emit(result.as_json(), lambda console: _show_findings(console, result))
    if not result.clean:
        raise typer.Exit(Damaged.exit_code)


def _show_findings(console: "Console", result: "FsckResult") -> None:
    if result.findings:
        print_table(console, ("finding", "place"), [(found.kind, found.place) for found in result.findings])
    console.print(f"{result.tables} tables, {result.versions} versions, {len(result.findings)} findings")
    console.print("clean" if result.clean else "DAMAGED: restore what is named from a backup of this home")
