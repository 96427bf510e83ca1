"""`log`, `trust`: the log as people read it, those who vouch for it, and what outsiders must hold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import context_of, print_facts, print_table, replace_file
from lakehouse.errors import Damaged, NotVerified, Unavailable, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.compare import Comparison
    from lakehouse.pipeline.cosign import Cosigning
    from lakehouse.pipeline.site import Site


def register(app: typer.Typer) -> None:
    """Add the group `log` and the command `trust`."""
    group = typer.Typer(
        cls=SentenceGroup,
        help="Show the log as people read it; have its head cosigned, anchored, compared.",
        invoke_without_command=True,
        rich_markup_mode=None,
    )
    group.callback()(show_log)
    group.command("cosign")(cosign)
    group.command("anchor")(anchor)
    group.command("compare")(compare)
    app.add_typer(group, name="log")
    app.command("trust")(write_trust)


def show_log(
    ctx: typer.Context,
    tail: Annotated[int, typer.Option(help="How many of the newest entries.", min=1, max=1_000_000)] = 20,
) -> None:
    """Show the log as people read it, newest last; have its head cosigned, anchored, compared.

    Reads registry.db. Writes nothing.
    Example: livinglab log --tail 50
    """
    if ctx.invoked_subcommand is not None:
        return
    context = context_of(ctx)
    site = context.open()
    site.actor.require("log")
    with site.registry.reading() as tx:
        rows = tx.many("entries", order="leaf_index", newest=tail)
    entries = [entry_fields(row) for row in rows]
    head = {"origin": site.log.trust.origin, "size": site.log.size(), "root": site.log.root().hex()}
    columns = ("leaf", "time", "kind", "table", "version", "ref")
    context.emit(
        {"entries": entries, "checkpoint": head},
        lambda console: print_table(
            console,
            columns,
            [[entry[name] for name in columns] for entry in entries],
            right=["leaf", "version"],
        ),
    )


def entry_fields(row: dict[str, Any]) -> dict[str, Any]:
    """Return one entry of the log as `log --json` shows it; Damaged where it cannot be parsed."""
    from lakehouse.core.lineage import parse_record

    try:
        record = parse_record(str(row["entry"]).encode())
    except NotVerified as error:
        raise Damaged(f"leaf {row['leaf_index']}: {error.message}", remedy="livinglab fsck") from error
    fields = record.public_fields()
    return {"leaf": row["leaf_index"], "hash": row["leaf_hash"], "ref": row["ref"], **fields}


def cosign(ctx: typer.Context) -> None:
    """Ask the site's witnesses to cosign the newest head; those that have are not asked again.

    Reads the log and `[log]` of the site file. Writes what the witnesses give. Every command that writes
    does this at its end. Fewer than the site demands: exit 7, or a notice where it only warns.
    Example: livinglab log cosign
    """
    from lakehouse.pipeline.cosign import cosign_by_policy

    context = context_of(ctx)
    site = context.open()
    site.actor.require("cosign")
    result = cosign_by_policy(site, context.notice)
    if result is None:
        raise WrongUse(
            "the site file names no witness", remedy="add [[log.witnesses]] to it (docs/proofs.md)"
        )
    done = result
    context.emit(done.as_json(), lambda console: _show_cosigning(console, done))


def anchor(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The kind of anchor: local_file, rfc3161, witness.")],
) -> None:
    """Show the newest head to places outside the site, and keep what they give: time stamps, copies.

    Reads the log and `[log]` of the site file. Writes time stamps and cosignatures to registry.db, copies
    into the folders that the site file names. Example: livinglab log anchor rfc3161
    """
    from lakehouse.pipeline.anchoring import anchor_head
    from lakehouse.pipeline.log_records import carry_cosignatures

    context = context_of(ctx)
    site = context.open()
    site.actor.require("cosign")
    result = anchor_head(site, name)
    carry_cosignatures(site)
    if not (result.kept or result.already):
        context.notice(f"the site file names no place of the kind {name}: nothing was done")
    places = [{"place": kept.place, "time": kept.time} for kept in result.kept]
    places += [{"place": place, "time": None} for place in result.already]
    fields = {
        "anchor": result.backend,
        "size": result.size,
        "places": places,
        "repeated": not result.kept,
    }
    shown = {own["place"] or "": own["time"] or "has this head" for own in places}
    context.emit(fields, lambda console: print_facts(console, {"leaves": result.size, **shown}))


def compare(
    ctx: typer.Context,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL | FOLDER]…", help="Witnesses, or copies of the log's registry/."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write evidence of misbehaviour to.")
    ] = None,
) -> None:
    """Compare the log with what others have of it; exit 5 where somebody has another history.

    Reads the log and the heads (and tiles) of the places given, or of the site's witnesses and folders of
    copies. Writes FILE where two signed heads cannot belong to one log: evidence that `livinglab verify`
    accepts.
    Example: livinglab log compare https://witness.example -o evidence.json
    """
    from lakehouse.pipeline.compare import compare_log, outside_places

    context = context_of(ctx)
    site = context.open(replay=False)
    site.actor.require("log")
    if not places and not outside_places(site):
        raise WrongUse(
            "nobody to compare with: the site file names no witness and no folder of copies",
            remedy="give an address or a folder",
        )
    result = compare_log(site, places or [])
    file = _write_evidence(site, result, output)
    fields = {
        "size": result.size,
        "places": [
            {name: getattr(own, name) for name in ("place", "verdict", "why", "size", "root")}
            for own in result.places
        ],
        "contradicted": result.contradicted,
        "evidence": str(file) if file else None,
    }
    context.emit(fields, lambda console: _show_comparison(console, result, file))
    if result.contradicted:
        raise typer.Exit(NotVerified.exit_code)
    if result.unreachable:
        raise typer.Exit(Unavailable.exit_code)


def write_trust(
    ctx: typer.Context,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")] = None,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="First let it say what the site file now says (engineer, dpo); logged."),
    ] = False,
) -> None:
    """Write the trust file: what a verifier must hold beforehand.

    Reads registry/trust.json. Writes FILE: origin, log key, witnesses, authorities, policy; nothing secret.
    With --renew, first writes the log and registry/trust.json. Example: livinglab trust -o trust.json
    """
    context = context_of(ctx)
    if output is None and not renew:
        raise WrongUse("where to write it is missing", remedy="livinglab trust -o trust.json")
    site = context.open()
    site.actor.require("trust")
    renewal = None
    if renew:
        from lakehouse.pipeline.trust_renewal import renew_trust

        renewal = renew_trust(site)
    elif not site.log.trust_is_current():
        context.notice("the site file now says otherwise than registry/trust.json: livinglab trust --renew")
    if output is not None:
        replace_file(output, site.log.trust_file(), mode=0o644)
    fields = {
        "file": str(output) if output else None,
        "origin": site.log.trust.origin,
        "log": site.log.trust.log.render(),
        "leaf": renewal.leaf if renewal else None,
        "repeated": renewal.repeated if renewal else None,
    }
    shown = {name: value for name, value in fields.items() if value is not None}
    context.emit(fields, lambda console: print_facts(console, shown))


def _show_cosigning(console: "Console", result: "Cosigning") -> None:
    facts = {
        "leaves": result.size,
        "cosigned by": ", ".join(result.collected) or "nobody",
        "wanted": result.wanted,
    }
    print_facts(console, facts)
    for missing in result.missing:
        console.print(f"missing: {missing.why}", soft_wrap=True)


def _write_evidence(site: "Site", result: "Comparison", output: Path | None) -> Path | None:
    """Write the evidence to the file asked for, else among the home's reports."""
    if result.evidence is None:
        return None
    file = output or site.home.place("reports", "misbehaviour.json")
    replace_file(file, result.evidence, mode=0o644)
    return file


def _show_comparison(console: "Console", result: "Comparison", file: Path | None) -> None:
    columns = ("place", "verdict", "size", "why")
    print_table(
        console,
        columns,
        [[getattr(own, name) for name in columns] for own in result.places],
        right=["size"],
    )
    if file is not None:
        console.print(f"evidence: {file}; anybody can check it: livinglab verify {file}", soft_wrap=True)
    if result.contradicted:
        console.print("NOT VERIFIED: somebody has another history of this log")
    elif not result.unreachable:
        console.print("nobody has another history of this log")
