"""The `livinglab` command: global options anywhere, one exit code a kind of error.

Command modules register themselves; what is heavy they import inside their functions, so that
`--help` answers in well under a second.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from lakehouse.cli.command_events import CommandEvents
from lakehouse.cli.command_list import SectionedGroup
from lakehouse.cli.failures import INTERRUPTED, PIPE_CLOSED, explain_failure
from lakehouse.cli.global_options import GlobalOptions, lift_global_options
from lakehouse.cli.output import CliContext, write_error
from lakehouse.errors import LivingLabError, WrongUse

GROUPS = (
    "demo",
    "samples",
    "data",
    "contracts",
    "catalogue",
    "answers",
    "releases",
    "models",
    "proofs",
    "log",
    "verifying",
    "paper",
    "reports",
    "lineage",
    "people",
    "consents",
    "keeping",
    "stores",
    "ui",
    "witness",
)


ASKS_ABOUT = {"--help", "-h", "--version"}

ABOUT = """A lakehouse for medical data in which every step protects people and leaves a proof.

Begin with `livinglab demo`, then `livinglab status`.
Global options are accepted before and after the command.

Exit codes: 0 done, 2 wrong use or unreadable input, 3 the site is not ready, 4 refused,
5 not verified, 6 damaged, 7 something needed is unavailable."""


def build_app() -> typer.Typer:
    """Return the command line with the commands of every group."""
    app = typer.Typer(
        name="livinglab",
        cls=SectionedGroup,
        help=ABOUT,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    )
    app.callback()(_remember_globals)
    for group in GROUPS:
        importlib.import_module(f"lakehouse.cli.{group}").register(app)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"livinglab {version('livinglab')}")
        raise typer.Exit


def _remember_globals(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="The site's home folder. [default: $LIVINGLAB_HOME or .livinglab]")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="The site file. [default: infra/sites/local.toml]")
    ] = None,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who acts, among the names of your account.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    context.obj = CliContext(
        home=home,
        site_file=site,
        as_name=as_name,
        json=as_json,
        command=context.invoked_subcommand,
        events=context.obj if isinstance(context.obj, CommandEvents) else CommandEvents(),
    )


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code (INTERFACE, Rules)."""
    lifted = lift_global_options(arguments)
    events = CommandEvents(command=lifted.command)
    with events.bound():
        code = _run(lifted, events)
        events.end(code)
    return code


def _run(lifted: GlobalOptions, events: CommandEvents) -> int:
    try:
        code = _invoke(lifted, events)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _silence_stdout()
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted; what was begun is completed or undone at the next start\n")
        return INTERRUPTED
    except TyperException as error:
        return _fail(_wrong_use(error), lifted, events)
    except LivingLabError as error:
        return _fail(error, lifted, events)
    except Exception as error:  # noqa: BLE001  the entry point: nothing may end in a traceback
        if os.environ.get("LIVINGLAB_DEBUG"):
            traceback.print_exc()
        return _fail(explain_failure(error), lifted, events)


def _invoke(lifted: GlobalOptions, events: CommandEvents) -> int:
    if lifted.missing_value:
        raise WrongUse(f"{lifted.missing_value} needs a value", remedy="livinglab --help")
    if not lifted.command and not ASKS_ABOUT.intersection(lifted.arguments):
        raise WrongUse(
            "no command was given", remedy="livinglab --help lists them; begin with livinglab demo"
        )
    result = build_app()(
        args=list(lifted.arguments), prog_name="livinglab", standalone_mode=False, obj=events
    )
    return result if isinstance(result, int) else 0


def _fail(error: LivingLabError, lifted: GlobalOptions, events: CommandEvents) -> int:
    events.error = error.code
    try:
        write_error(error, as_json=lifted.json)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    except OSError as unwritable:
        _silence_stdout()
        error = explain_failure(unwritable)
        write_error(error, as_json=False)
    return error.exit_code


def _wrong_use(error: TyperException) -> WrongUse:
    """Return a usage error without the surplus values that typer repeats: they may name a person."""
    message = error.format_message()
    if message.startswith("Got unexpected extra argument"):
        message = "more arguments were given than the command takes"
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "livinglab"
    return WrongUse(message, remedy=f"{command} --help")


def _silence_stdout() -> None:
    """Let nothing more be written to a reader that has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run `livinglab` for this process."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
