"""`livinglab consent`: what a person permits or takes back, written down by the data protection officer."""

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import context_of, print_facts, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.consent import ConsentDecision

consent_app = typer.Typer(cls=SentenceGroup, no_args_is_help=True, rich_markup_mode=None)

Person = Annotated[str, typer.Option(help="The identifier, exactly as the source writes it.")]
System = Annotated[str, typer.Option(help="Whose identifier it is: gaitpdb, fhir or clinic.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept, and committed to in the log.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(
        consent_app, name="consent", help="Write down what a person permits or withdraws (role dpo)."
    )


@consent_app.command("withdraw")
def withdraw_consent(
    context: typer.Context,
    person: Person,
    system: System,
    purpose: Annotated[
        list[str] | None, typer.Option(help="A purpose; repeat it for more. [default: every purpose]")
    ] = None,
    reason: Reason = None,
) -> None:
    """Take a person's data out of the next release, answer, prediction and training (role dpo).

    Reads: vault, consents, registry. Writes: one consent record, bronze.consents, log. What was made with
    the person before is counted and named, with the command that makes it anew; nothing of it is redone here.

    Example: livinglab consent withdraw --person GaPt03 --system gaitpdb --as dpo
    """
    _change(context, person, system, "deny", purpose or [], reason)


@consent_app.command("permit")
def permit_purpose(
    context: typer.Context,
    person: Person,
    system: System,
    purpose: Annotated[list[str], typer.Option(help="A purpose; repeat it for more.")],
    reason: Reason = None,
) -> None:
    """Let purposes use a person's data from now on (role dpo).

    Reads: vault, consents, registry. Writes: one consent record, bronze.consents, log.

    Example: livinglab consent permit --person GaPt03 --system gaitpdb --purpose care_improvement --as dpo
    """
    _change(context, person, system, "permit", purpose, reason)


@consent_app.command("show")
def show_consent(context: typer.Context, person: Person, system: System) -> None:
    """Show a person's consent records and what holds now (role dpo). Writes nothing.

    Reads: vault, bronze.consents.

    Example: livinglab consent show --person GaPt03 --system gaitpdb --as dpo
    """
    from lakehouse.pipeline.consent_decisions import show_consents

    cli = context_of(context)
    shown = show_consents(cli.open(), person, system)
    columns = ("decision", "purposes", "from", "to")

    def render(console: "Console") -> None:
        records = shown["records"]
        rows = [
            [", ".join(row[name]) or "every" if name == "purposes" else row[name] for name in columns]
            for row in (records if isinstance(records, list) else ())
        ]
        print_table(console, columns, rows)
        _print_holds(console, shown["holds"])

    cli.emit(shown, render)


def _change(
    context: typer.Context,
    person: str,
    system: str,
    decision: "ConsentDecision",
    purposes: list[str],
    reason: str | None,
) -> None:
    from lakehouse.pipeline.consent_decisions import change_consent

    cli = context_of(context)
    site = cli.open()
    with cli.progress("landing the decision"):
        change = change_consent(site, person, system, decision, purposes, reason)

    def render(console: "Console") -> None:
        made = f"{change.releases} releases, {change.answers} answers, {change.models} models"
        repeated = "yes" if change.repeated else "no"
        print_facts(
            console,
            {
                "version": change.version,
                "leaf": change.leaf,
                "said before": repeated,
                "made with this person": made,
            },
        )
        _print_holds(console, change.holds)
        for use in change.redo:
            console.print(f"  to be redone: {use.kind} {use.name} ({use.state}): {use.redo}")

    cli.emit(change.as_json(), render)


def _print_holds(console: "Console", holds: object) -> None:
    for purpose, decision in holds.items() if isinstance(holds, dict) else ():
        console.print(f"  now {purpose}: {decision}")
