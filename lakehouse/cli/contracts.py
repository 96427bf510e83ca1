"""Commands about contracts: check what a compliance officer wrote."""

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.output import context_of
from lakehouse.errors import ContractError


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(help="Check the contracts of a site.", rich_markup_mode=None)
    group.command("lint")(lint)
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


def _together(faults: list[ContractError]) -> ContractError:
    """Return the first fault with its file, key and allowed values; it names the others."""
    first, *others = faults
    if not others:
        return first
    more = f" (and {len(others)} more: {'; '.join(fault.message for fault in others)})"
    return ContractError(first.file, first.key, f"{first.problem}{more}", allowed=first.allowed)
