"""Global options are accepted before and after the command: they are lifted to the front."""

from collections.abc import Sequence
from dataclasses import dataclass

WITH_VALUE = ("--home", "--site", "--as")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """A command line with its global options first; `missing_value` names an option left bare."""

    arguments: tuple[str, ...]
    command: str | None
    json: bool
    missing_value: str | None


def lift_global_options(arguments: Sequence[str]) -> GlobalOptions:
    """Return the same call with `--home`, `--site`, `--as` and `--json` before the command.

    Nothing after `--` is lifted. `report --site -o DIR` is the command's own `--site`: bare there,
    it asks for the report of the whole site.
    """
    lifted: list[str] = []
    rest: list[str] = []
    command: str | None = None
    missing: str | None = None
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += [argument, *waiting]
            break
        name, _, joined = argument.partition("=")
        if argument == "--json" or (name in WITH_VALUE and joined):
            lifted.append(argument)
        elif argument in WITH_VALUE and waiting and not waiting[0].startswith("-"):
            lifted += [argument, waiting.pop(0)]
        elif argument == "--site" and command == "report":
            rest.append(argument)
        elif name in WITH_VALUE:
            missing = missing or name
        else:
            command = command or (None if argument.startswith("-") else argument)
            rest.append(argument)
    return GlobalOptions(
        arguments=(*lifted, *rest), command=command, json="--json" in lifted, missing_value=missing
    )
