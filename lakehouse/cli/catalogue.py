"""`tables`, `describe` and `query`: what there is, what it means, and the published rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import CliContext, context_of, print_facts, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.query import QueryResult

FORMATS = ("table", "csv", "json", "parquet")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command("tables")(tables)
    app.command("describe")(describe)
    app.command("query")(query)


def tables(
    context: typer.Context,
    layer: Annotated[str | None, typer.Option("--layer", metavar="L", help="bronze, silver or gold.")] = None,
) -> None:
    """List the tables with rows, version, purposes and class.

    Rows of tables that are not released are shown to engineer, DPO and auditor only.
    Reads contracts and registry. Writes nothing.

    Example: livinglab tables --layer gold
    """
    from lakehouse.pipeline.catalogue import list_tables

    cli = context_of(context)
    found = list_tables(cli.open(), layer)
    cli.emit({"tables": found}, lambda console: _show_tables(console, found))


def describe(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="For example gold.gait_by_cohort.")],
) -> None:
    """Describe a table: columns with unit, sensitivity, handling and class, checks, k, budget left.

    Reads contracts and registry. Writes nothing.

    Example: livinglab describe silver.gait_features
    """
    from lakehouse.pipeline.catalogue import describe_table

    cli = context_of(context)
    found = describe_table(cli.open(), table)
    cli.emit(found, lambda console: _show_description(console, found))


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over gold tables.")],
    purpose: Annotated[str, typer.Option("--purpose", metavar="P", help="What it is for.")],
    as_of: Annotated[
        int | None, typer.Option("--as-of", metavar="V", help="An earlier release, by version (role dpo).")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", metavar="F", help="table, csv, json or parquet.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; replaces it.")
    ] = None,
) -> None:
    """Run one SELECT over the published gold tables, read-only and locked down.

    Reads the releases that the registry names. Writes only FILE. In CSV, text that a spreadsheet would
    take for a formula gets a leading apostrophe.

    Example: livinglab query "SELECT * FROM gold.gait_by_cohort" --purpose research --format csv
    """
    from lakehouse.pipeline.query import query as run_query

    chosen = _format(form, output)
    cli = context_of(context)
    result = run_query(cli.open(), sql, purpose=purpose, as_of=as_of)
    if output is None:
        _print_result(cli, result, chosen)
    else:
        _write_result(cli, result, chosen, output)


def _format(form: str | None, output: Path | None) -> str:
    from lakehouse.errors import WrongUse

    by_suffix = output.suffix.lstrip(".") if output is not None else "table"
    chosen = form or (by_suffix if by_suffix in FORMATS else "csv")
    if chosen not in FORMATS:
        raise WrongUse("the format is not known", remedy=f"one of: {', '.join(FORMATS)}")
    if chosen == "parquet" and output is None:
        raise WrongUse("parquet is written to a file", remedy="add --output FILE")
    return chosen


def _print_result(cli: CliContext, result: "QueryResult", form: str) -> None:
    from lakehouse.cli.result_formats import as_csv, as_json_rows

    document = result.as_json()
    if form == "table":
        cli.emit(document, lambda console: _show_result(console, document))
    else:
        text = (as_csv if form == "csv" else as_json_rows)(result.rows)
        cli.emit(document, lambda console: console.out(text.rstrip("\n"), highlight=False))


def _write_result(cli: CliContext, result: "QueryResult", form: str, output: Path) -> None:
    from lakehouse.cli.output import replace_file
    from lakehouse.cli.result_formats import as_csv, as_json_rows, as_parquet, as_table

    if form == "parquet":
        replace_file(output, as_parquet(result.rows))
    else:
        written = {"csv": as_csv, "json": as_json_rows, "table": as_table}[form]
        replace_file(output, written(result.rows).encode())
    document = {**result.as_json(), "file": str(output)}
    cli.emit(document, lambda console: console.print(f"{result.rows.num_rows} rows in {output}"))


def _show_tables(console: "Console", found: list[dict[str, Any]]) -> None:
    print_table(
        console,
        ["table", "rows", "version", "class", "purposes", "title"],
        [
            (t["name"], t["rows"], t["version"], t["class"], ", ".join(t["purposes"]), t["title"])
            for t in found
        ],
        right=["rows", "version"],
    )


def _show_description(console: "Console", found: dict[str, Any]) -> None:
    names = ("name", "title", "grain", "rows", "version", "class", "population", "k", "l", "t")
    print_facts(console, {**{name: found[name] for name in names}, "purposes": ", ".join(found["purposes"])})
    print_table(
        console,
        ["column", "type", "unit", "sensitivity", "handling", "class", "groups"],
        [
            (
                c["name"],
                c["type"],
                c["unit"],
                c["sensitivity"],
                c["handling"],
                c["class"],
                ", ".join(c["groups"]) or None,
            )
            for c in found["columns"]
        ],
    )
    for check in found["checks"]:
        named = ", ".join(f"{name}={value}" for name, value in check.items() if name != "expect")
        console.print(f"checked: {check['expect']}({named})")
    for row in found["budget"]:
        console.print(f"budget for {row['purpose']}: {row['left']} of {row['cap']} left")


def _show_result(console: "Console", document: dict[str, Any]) -> None:
    from lakehouse.cli.result_formats import cell_text

    names = [str(cell_text(name)) for name in document["columns"]]
    print_table(console, names, [[cell_text(value) for value in row] for row in document["rows"]])
    print_facts(console, {name: document[name] for name in ("release", "receipt")})
