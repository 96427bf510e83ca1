"""Commands about contracts: check what a compliance officer wrote, propose one for an unknown file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import CliContext, context_of, replace_file
from lakehouse.core.contract_proposal import EDIT
from lakehouse.errors import ContractError, LivingLabError

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.core.contract import Contracts
    from lakehouse.core.policy import PrivacyPolicy
    from lakehouse.pipeline.left_behind import LeftBehind


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

    Where there is a home, also names the versions and models that these contracts and this policy make stale.
    Reads: the contracts, the policy, the registry of the home. Writes: nothing. Ends with 2 where something
    is wrong. `stale` and `stale_models` are null where no home was looked at.

    Example: livinglab contracts lint
    """
    from lakehouse.adapters.contract_files import load_policy
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.core.contract_lint import lint_contracts
    from lakehouse.sites import read_contracts

    cli = context_of(context)
    settings = read_site_file(cli.site_file)
    chosen = folder or settings.expectations
    contracts, policy = read_contracts(chosen), load_policy(chosen, settings.policy)
    faults = list(lint_contracts(contracts, policy))
    if faults:
        raise _together(faults)
    count, left = len(list(contracts)), made_stale(cli, contracts, policy)

    def render(console: "Console") -> None:
        console.print(f"{count} contracts, no fault")
        for sentence in left.sentences() if left else ():
            console.print(sentence, soft_wrap=True)

    found = left.as_json() if left else {"stale": None, "stale_models": None}
    cli.emit({"contracts": count, "faults": [], **found}, render)


def made_stale(cli: CliContext, contracts: "Contracts", policy: "PrivacyPolicy") -> "LeftBehind | None":
    """Return what contracts and a policy leave behind in the home, or None where there is none to look at."""
    from lakehouse.pipeline.home_identity import IDENTITY
    from lakehouse.pipeline.left_behind import left_by_rules
    from lakehouse.sites import home_path

    if not (home_path(cli.home) / IDENTITY).exists():
        return None
    try:
        return left_by_rules(replace(cli.open(replay=False), contracts=contracts, policy=policy))
    except LivingLabError as error:
        cli.notice(f"what they make stale is not known: {error.message}")
        return None


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
