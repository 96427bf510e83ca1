"""`ask` and `budget`: private answers and what they cost."""

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import CliContext, context_of, print_facts, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.answer import Answer
    from lakehouse.core.question import Question
    from lakehouse.pipeline.budget import BudgetRow


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command("ask")(ask)
    app.command("budget")(budget)


def ask(
    context: typer.Context,
    stat: Annotated[str, typer.Argument(metavar="STAT", help="count, sum, mean or histogram.")],
    on: Annotated[str, typer.Option("--on", metavar="TABLE", help="For example silver.gait_features.")],
    epsilon: Annotated[str, typer.Option("--epsilon", metavar="E", help="What it may cost.")],
    column: Annotated[str | None, typer.Argument(metavar="COLUMN", help="What is measured.")] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="COL", help="Group by; repeat, or use commas.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="COL=VALUE", help="Only these; repeat, or AND.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option("--bounds", metavar="LO,HI", help="Clamps inside the contract's.")
    ] = None,
    purpose: Annotated[str, typer.Option("--purpose", metavar="P", help="What it is for.")] = "research",
    preview: Annotated[bool, typer.Option("--preview", help="Cost and accuracy only; free.")] = False,
) -> None:
    """Ask for a differentially private statistic.

    One person with all their rows is protected. A mean counts each person once; count and sum take
    rows. A question asked before about the same data gets its stored answer and costs nothing.

    Reads the version of TABLE that the registry names, of consenting people; --preview reads no data.
    Writes a charge, the answer and a record in the log.

    Example: livinglab ask mean stride_time_s --on silver.gait_features --by age_band --epsilon 0.5
    """
    from lakehouse.core.question import Question

    question = Question.of(
        stat,
        column,
        on=on,
        by=by or (),
        where=where or (),
        bounds=bounds,
        epsilon=epsilon,
        purpose=purpose,
    )
    _answer(context_of(context), question, preview)


def _answer(cli: CliContext, question: "Question", preview: bool) -> None:
    from lakehouse.pipeline import answer as verb

    site = cli.open()
    given = verb.preview(site, question) if preview else verb.answer(site, question)
    if given.lost != "0.0":
        cli.notice(f"an earlier attempt at this question died after its charge: epsilon {given.lost} is lost")
    cli.emit(given.as_json(), lambda console: _show_answer(console, given))


def budget(
    context: typer.Context,
    on: Annotated[str | None, typer.Option("--on", metavar="TABLE", help="Only its population.")] = None,
) -> None:
    """Show what private answers have cost and what is left, by population and purpose.

    Reads the charges of the registry. Writes nothing.

    Example: livinglab budget --on silver.gait_features
    """
    from lakehouse.pipeline.budget import budget_rows

    cli = context_of(context)
    rows = budget_rows(cli.open(), on)
    cli.emit({"rows": [row.as_json() for row in rows]}, lambda console: _show_budget(console, rows))


def _show_answer(console: "Console", given: "Answer") -> None:
    keys = [column for column, _ in given.cells[0].keys]
    unit = f" [{given.unit}]" if given.unit else ""
    heading = " ".join(str(given.question[name]) for name in ("stat", "column") if given.question[name])
    print_table(
        console,
        [*keys, heading + unit, "± 95 %"],
        [(*(value for _, value in c.keys), c.value, c.accuracy95) for c in given.cells],
        right=[heading + unit, "± 95 %"],
    )
    price = "would cost this" if given.preview else "paid before" if given.repeated else "paid now"
    print_facts(
        console,
        {
            "epsilon": f"{given.epsilon} ({price}); spent {given.spent}, left {given.left}",
            "noise": f"{given.mechanism}, scale {given.scale.normalize():f}",
            "receipt": given.receipt,
        },
    )
    if given.preview and given.question["stat"] == "mean":
        console.print(
            "a group of fewer people than the contract's public number is answered less exactly",
            soft_wrap=True,
        )


def _show_budget(console: "Console", rows: "list[BudgetRow]") -> None:
    print_table(
        console,
        ["population", "purpose", "cap", "spent", "left", "questions left at 0.5", "by"],
        [
            (
                row.population,
                row.purpose,
                row.cap,
                row.spent,
                row.left,
                row.questions_left,
                ", ".join(f"{actor} {spent}" for actor, spent in row.by.items()) or None,
            )
            for row in rows
        ],
        right=["cap", "spent", "left", "questions left at 0.5"],
    )
