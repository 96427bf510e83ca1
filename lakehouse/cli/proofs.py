"""`trust`, `prove`, `verify`, `fsck`, `log`: what the log says, and how to check it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import context_of, print_facts, print_table, replace_file
from lakehouse.errors import Damaged, NotVerified, UnreadableInput

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.trust import Trust
    from lakehouse.core.verification import Verdict
    from lakehouse.pipeline.fsck import FsckResult

LARGEST_FILE = 1 << 20


def register(app: typer.Typer) -> None:
    """Add the commands about proofs."""
    app.command("trust")(write_trust)
    app.command("prove")(write_proof)
    app.command("verify")(check_proof)
    app.command("fsck")(check_site)
    app.command("log")(show_log)


def write_trust(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
) -> None:
    """Write the trust file: what a verifier must hold beforehand.

    Reads the site's keys. Writes FILE: origin, log key, witnesses, policy; nothing secret.
    Example: livinglab trust -o trust.json
    """
    context = context_of(ctx)
    site = context.open()
    site.actor.require("trust")
    replace_file(output, site.log.trust.render().encode(), mode=0o644)
    fields = {"file": str(output), "origin": site.log.trust.origin, "log": site.log.trust.log.render()}
    context.emit(fields, lambda console: print_facts(console, fields))


def write_proof(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="TABLE[@V] | RECEIPT", help="What to prove.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    opening: Annotated[
        Path | None, typer.Option(help="Also write the opening of this one leaf (roles dpo, auditor).")
    ] = None,
) -> None:
    """Write the proof bundle of a table version, an answer, a release, a decision or a model.

    Reads registry and log. Writes FILE (and with --opening the key and details of this leaf, for an auditor).
    Example: livinglab prove gold.gait_by_cohort -o proof.json
    """
    from lakehouse.pipeline.prove import open_leaf, prove

    context = context_of(ctx)
    site = context.open()
    proof = prove(site, what)
    if opening is not None:
        replace_file(opening, open_leaf(site, proof.leaf).render())
    replace_file(output, proof.bundle, mode=0o644)
    fields = {"file": str(output), **proof.as_json(), "opening": str(opening) if opening else None}
    shown = {"file": output, "leaf": proof.leaf, "log": f"{proof.head.size} leaves, {proof.head.origin}"}
    context.emit(fields, lambda console: print_facts(console, shown))


def check_proof(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The proof bundle.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the Delta table, to compare its files.")
    ] = None,
    trust: Annotated[Path | None, typer.Option(help="Trust file. [default: that of the home]")] = None,
    opening: Annotated[Path | None, typer.Option(help="Opening file, for bronze and silver data.")] = None,
) -> None:
    """Check a proof bundle offline; exit 5 where it does not hold.

    Reads FILE, the trust file and, with --data, the table's files; needs no home and no keys. Writes nothing.
    Example: livinglab verify proof.json --trust trust.json --data lake/gold/gait_by_cohort
    """
    from lakehouse.pipeline.verify import verify

    context = context_of(ctx)
    bundle = _read_file(file, "the proof bundle")
    opened = None if opening is None else _read_file(opening, "the opening")
    trusted = _read_trust(trust, context.home)
    if data is not None and not data.is_dir():
        raise UnreadableInput("--data is not a folder", remedy="give the folder of the Delta table")
    verdict = verify(bundle, trusted, data=data, opening=opened)
    context.emit(verdict_fields(verdict), lambda console: _show_verdict(console, verdict))
    if not verdict.verified:
        raise typer.Exit(NotVerified.exit_code)


def check_site(ctx: typer.Context) -> None:
    """Walk every Delta version, registry row and log file against each other; exit 6 where they differ.

    Reads the whole home and its keys. Writes nothing.
    Example: livinglab fsck
    """
    from lakehouse.pipeline.fsck import check_databases, check_home, failed

    context = context_of(ctx)
    try:
        broken = check_databases(_home_of(context.home))
        result = broken or check_home(context.open(replay=False), context.notice)
    except Damaged as error:
        result = failed(error, [])
    context.emit(result.as_json(), lambda console: _show_findings(console, result))
    if not result.clean:
        raise typer.Exit(Damaged.exit_code)


def show_log(
    ctx: typer.Context,
    tail: Annotated[int, typer.Option(help="How many of the newest entries.", min=1, max=1_000_000)] = 20,
) -> None:
    """Show the log as people read it, newest last.

    Reads registry.db. Writes nothing.
    Example: livinglab log --tail 50
    """
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


def verdict_fields(verdict: "Verdict") -> dict[str, Any]:
    """Return the verdict as `verify --json` shows it."""
    checks = [{"name": check.name, "ok": check.ok, "why": check.why} for check in verdict.checks]
    record = verdict.record.public_fields() if verdict.record else None
    return {"checks": checks, "verified": verdict.verified, "record": record}


def _show_verdict(console: "Console", verdict: "Verdict") -> None:
    for check in verdict.checks:
        console.print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.why}", soft_wrap=True)
    record = verdict.record
    if record is not None:
        subject = record.table if record.version is None else f"{record.table}@{record.version}"
        console.print(f"\n{record.kind} {subject or ''} at {record.time}".rstrip())
    console.print("verified" if verdict.verified else "NOT VERIFIED")


def _show_findings(console: "Console", result: "FsckResult") -> None:
    if result.findings:
        print_table(console, ("finding", "place"), [(found.kind, found.place) for found in result.findings])
    console.print(f"{result.tables} tables, {result.versions} versions, {len(result.findings)} findings")
    console.print("clean" if result.clean else "DAMAGED: restore what is named from a backup of this home")


def _read_trust(path: Path | None, home: Path | None) -> "Trust":
    """Return the trust file given, or that of the home; a bundle's own keys are never trusted."""
    from lakehouse.core.trust import parse_trust

    if path is not None:
        return parse_trust(_read_file(path, "the trust file"))
    own = _home_of(home) / "registry" / "trust.json"
    if not own.is_file():
        raise NotVerified(
            "there is no trust file: a bundle cannot vouch for itself",
            remedy="give --trust FILE (from `livinglab trust -o FILE`)",
        )
    try:
        return parse_trust(_read_file(own, "the home's trust file"))
    except NotVerified as error:
        raise Damaged(f"registry/trust.json: {error.message}", remedy="livinglab fsck") from error


def _home_of(home: Path | None) -> Path:
    """Return the home's folder without opening a site, which would import engines and need keys."""
    return home or Path(os.environ.get("LIVINGLAB_HOME") or ".livinglab")


def _read_file(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UnreadableInput(f"{what} cannot be read", remedy="check the path") from error
    if len(content) > LARGEST_FILE:
        raise NotVerified(f"{what} is larger than {LARGEST_FILE} bytes")
    return content
