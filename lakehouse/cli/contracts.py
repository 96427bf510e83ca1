"""Commands about contracts: check what a compliance officer wrote, propose one for an unknown file."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import context_of, replace_file
from lakehouse.core.contract_proposal import EDIT
from lakehouse.errors import ContractError


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="Check the contracts of a site, propose new ones.", rich_markup_mode=None)
    group.command("lint")(lint)
    group.command("propose")(propose)
    app.add_typer(group, name="contracts")


def lint(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of contracts. [default: the site file's]")
    ] = None,
) -> None:
    """Check every contract, the policy, and both against each other.

    Reads: the contracts and the policy. Writes: nothing. Ends with 2 where something is wrong.

    Example: livinglab contracts lint
    """
    from lakehouse.adapters.contract_files import load_policy
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.core.contract_lint import lint_contracts
    from lakehouse.sites import read_contracts

    cli = context_of(context)
    settings = read_site_file(cli.site_file)
    chosen = folder or settings.expectations
    contracts = read_contracts(chosen)
    faults = list(lint_contracts(contracts, load_policy(chosen, settings.policy)))
    if faults:
        raise _together(faults)
    count = len(list(contracts))
    cli.emit(
        {"contracts": count, "faults": []}, lambda console: console.print(f"{count} contracts, no fault")
    )


def propose(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSON lines or Parquet file.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the data set. [default: the folder of the file]")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of its texts, for names of people.")] = "en",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the contract here.")] = None,
) -> None:
    """Propose a bronze contract for an unknown file: types, units, sensitivity with reasons, checks.

    Reads: the file. Writes: the contract with -o, else prints it; no value of the file is in it but
    words that stand in ten rows or more. Edit what `# EDIT:` marks, then `livinglab contracts lint`.

    Example: livinglab contracts propose visits.csv --name visits -o expectations/bronze/visits.toml
    """
    from lakehouse.adapters.contract_proposals import propose_contract
    from lakehouse.adapters.presidio_detector import Detector
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.core.contract_proposal import render_proposal

    cli = context_of(context)
    detector = Detector(read_site_file(cli.site_file).detector_models)
    proposal = propose_contract(file, name, detector, language)
    text = render_proposal(proposal)
    if output is not None:
        replace_file(output, text.encode(), mode=0o644)
    columns = [
        {
            "name": column.profile.name,
            "type": column.profile.type.value,
            "sensitivity": column.sensitivity.value,
            "handling": column.handling,
            "reasons": list(column.reasons),
        }
        for column in proposal.columns
    ]
    told = {"contract": text, "columns": columns, "file": str(output) if output else None}
    shown = f"{output}: {len(columns)} columns, {text.count(EDIT)} places to edit" if output else text
    cli.emit(told, lambda console: console.print(shown, markup=False, highlight=False, soft_wrap=True))


def _together(faults: list[ContractError]) -> ContractError:
    """Return the first fault with its file, key and allowed values; it names the others."""
    first, *others = faults
    if not others:
        return first
    more = f" (and {len(others)} more: {'; '.join(fault.message for fault in others)})"
    return ContractError(first.file, first.key, f"{first.problem}{more}", allowed=first.allowed)
