"""`publish`, `releases`, `approve`, `reject`, `withdraw`: the gate through which gold leaves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import context_of, print_facts, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.release import ReleaseResult

Release = Annotated[str, typer.Argument(metavar="RELEASE", help="Name of a release.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept, and committed to in the log.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("publish")(publish_product)
    app.command("releases")(show_releases)
    app.command("approve")(approve_release)
    app.command("reject")(reject_release)
    app.command("withdraw")(withdraw_release)


def publish_product(
    context: typer.Context,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="A gold product.")],
) -> None:
    """Make a release of a gold product: published, refused, or submitted for a person's decision.

    Reads the current silver versions and the consents, writes gold.PRODUCT or a draft, and the log.
    Unchanged input gives the release there is.

    Example: livinglab publish gait_people_open
    """
    from lakehouse.pipeline.publish import publish

    cli = context_of(context)
    site = cli.open()
    with cli.progress(f"publish {product}"):
        result = publish(site, product)
    cli.emit(_document(result), lambda console: _print_release(console, result))


def show_releases(context: typer.Context) -> None:
    """List every release with its state, figures and reasons. Reads the registry, writes nothing.

    Example: livinglab releases --json
    """
    from lakehouse.pipeline.publish_records import list_releases

    cli = context_of(context)
    releases = list_releases(cli.open())
    document = {"releases": [release.as_json() for release in releases]}
    cli.emit(document, lambda console: _print_releases(console, releases))


def approve_release(context: typer.Context, release: Release, reason: Reason) -> None:
    """Publish exactly the rows that were submitted (role dpo).

    Reads the draft, writes gold.PRODUCT, the decision and the log.

    Example: livinglab approve conditions_by_age-0123456789ab --as dpo --reason "cells checked"
    """
    _decide(context, release, "approve", reason)


def reject_release(context: typer.Context, release: Release, reason: Reason) -> None:
    """Refuse a submitted release (role dpo).

    Reads the registry, writes the decision and the log; the draft stays inside.

    Example: livinglab reject conditions_by_age-0123456789ab --as dpo --reason "too few people"
    """
    _decide(context, release, "reject", reason)


def withdraw_release(context: typer.Context, release: Release, reason: Reason) -> None:
    """Make a published release unreadable (role dpo).

    Reads the registry, writes the decision and the log.

    Example: livinglab withdraw gait_by_cohort-0123456789ab --as dpo --reason "published in error"
    """
    _decide(context, release, "withdraw", reason)


def _decide(context: typer.Context, release: str, decision: str, reason: str) -> None:
    from lakehouse.pipeline.decide import decide

    cli = context_of(context)
    result = decide(cli.open(), release, decision, reason)
    cli.emit(_document(result), lambda console: _print_release(console, result))


def _document(result: "ReleaseResult") -> dict[str, object]:
    """Return one release, and the same as the one of `releases` (INTERFACE, Commands)."""
    return {**result.as_json(), "releases": [result.as_json()]}


def _print_release(console: "Console", result: "ReleaseResult") -> None:
    facts = {name: value for name, value in result.as_json().items() if name != "reasons"}
    print_facts(console, facts)
    for reason in result.reasons:
        console.print(f"  because: {reason}")
    if result.state == "SUBMITTED":
        console.print(f"It waits for a decision: livinglab approve {result.release} --reason TEXT, or reject")


def _print_releases(console: "Console", releases: Sequence["ReleaseResult"]) -> None:
    print_table(
        console,
        ("release", "state", "table", "version", "rows", "left out", "k", "l", "t", "findings", "reasons"),
        [
            (
                found.release,
                found.state,
                found.table,
                found.version,
                found.rows,
                found.suppressed,
                found.k,
                found.l,
                found.t,
                found.findings,
                "; ".join(found.reasons) or None,
            )
            for found in releases
        ],
        right=("version", "rows", "left out", "k", "l", "t", "findings"),
    )
