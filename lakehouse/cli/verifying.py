"""`verify`: check a document offline, with a trust file and, if given, the data it speaks of."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.home_folder import home_of
from lakehouse.cli.output import context_of
from lakehouse.errors import Damaged, NotVerified, UnreadableInput, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.trust import Trust
    from lakehouse.core.verdict import Verdict
    from lakehouse.pipeline.recompute import Recomputed

LARGEST_FILE = 1 << 20
LARGEST_OPENING = 1 << 26
LARGEST_ROWS = 1 << 28


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(check_proof)


def check_proof(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="The proof bundle, its paper as text, or evidence of misbehaviour.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the Delta table, to compare its files.")
    ] = None,
    trust: Annotated[Path | None, typer.Option(help="Trust file. [default: that of the home]")] = None,
    opening: Annotated[
        Path | None,
        typer.Option(help="Opening file: for bronze and silver data, and for consents row by row."),
    ] = None,
    rows: Annotated[Path | None, typer.Option(help="A person's own rows, from prove --rows.")] = None,
    again: Annotated[
        bool, typer.Option("--recompute", help="Measure the table of --data again and compare.")
    ] = False,
) -> None:
    """Check a proof bundle offline; exit 5 where it does not hold.

    Evidence that a log signed two heads that cannot belong to one log is checked the same way.
    Reads FILE, the trust file and, with --data, the table's files; needs no home and no keys. Writes nothing.
    Example: livinglab verify proof.json --trust trust.json --data lake/gold/gait_by_cohort
    """
    from lakehouse.core.paper import unfold_document
    from lakehouse.pipeline.verify import verify

    context = context_of(ctx)
    document = unfold_document(_read_file(file, "the proof bundle"))
    opened = None if opening is None else _read_file(opening, "the opening", LARGEST_OPENING)
    own_rows = None if rows is None else _read_file(rows, "the file of rows", LARGEST_ROWS)
    trusted = _read_trust(trust, context.home)
    if data is not None and not data.is_dir():
        raise UnreadableInput("--data is not a folder", remedy="give the folder of the Delta table")
    verdict = verify(document, trusted, data=data, opening=opened, rows=own_rows)
    found = _recompute(document, data) if again else None
    fields = verdict_fields(verdict, found)
    context.emit(fields, lambda console: _show_verdict(console, verdict, found or [], fields["verified"]))
    if not fields["verified"]:
        raise typer.Exit(NotVerified.exit_code)


def verdict_fields(verdict: "Verdict", found: "list[Recomputed] | None" = None) -> dict[str, Any]:
    """Return the verdict as `verify --json` shows it.

    `misbehaviour` is there where evidence was checked, `recomputed` where a table was measured again.
    """
    checks = [{"name": check.name, "ok": check.ok, "why": check.why} for check in verdict.checks]
    record = verdict.record.public_fields() if verdict.record else None
    same = all(one.ok is not False for one in found or ())
    fields = {"checks": checks, "verified": verdict.verified and same, "record": record}
    if verdict.misbehaviour:
        fields["misbehaviour"] = True
    if found is not None:
        fields["recomputed"] = [asdict(one) for one in found]
    return fields


def _recompute(document: bytes, data: Path | None) -> "list[Recomputed]":
    from lakehouse.pipeline.recompute import recompute

    if data is None:
        raise WrongUse("--recompute measures a table", remedy="add --data FOLDER")
    return recompute(document, data)


def _show_verdict(console: "Console", verdict: "Verdict", found: "list[Recomputed]", verified: bool) -> None:
    words = {True: "same", False: "DIFF", None: "-   "}
    for one in found:
        console.print(f"{words[one.ok]}  {one.name}: {one.why}", soft_wrap=True)
    for check in verdict.checks:
        console.print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.why}", soft_wrap=True)
    record = verdict.record
    if record is not None:
        subject = record.table if record.version is None else f"{record.table}@{record.version}"
        console.print(f"\n{record.kind} {subject or ''} at {record.time}".rstrip())
    if verdict.misbehaviour and verdict.verified:
        console.print("\nMISBEHAVIOUR: the log signed two heads that cannot belong to one log")
    console.print("verified" if verified else "NOT VERIFIED")


def _read_trust(path: Path | None, home: Path | None) -> "Trust":
    """Return the trust file given, or that of the home; a bundle's own keys are never trusted."""
    from lakehouse.core.trust import parse_trust

    if path is not None:
        return parse_trust(_read_file(path, "the trust file"))
    own = home_of(home) / "registry" / "trust.json"
    if not own.is_file():
        raise NotVerified(
            "there is no trust file: a bundle cannot vouch for itself",
            remedy="give --trust FILE (from `livinglab trust -o FILE`)",
        )
    try:
        return parse_trust(_read_file(own, "the home's trust file"))
    except NotVerified as error:
        raise Damaged(f"registry/trust.json: {error.message}", remedy="livinglab fsck") from error


def _read_file(path: Path, what: str, largest: int = LARGEST_FILE) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise UnreadableInput(f"{what} cannot be read", remedy="check the path") from error
    if len(content) > largest:
        raise NotVerified(f"{what} is larger than {largest} bytes")
    return content
