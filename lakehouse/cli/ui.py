"""`ui`: Airflow with our DAGs and pages, for engineer, analyst and DPO."""

import errno
import signal
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.airflow_process import airflow_events, ended_early, failure_of
from lakehouse.cli.demo_progress import StepLines
from lakehouse.cli.home_lock import hold_home
from lakehouse.cli.output import CliContext, context_of, print_facts, print_table
from lakehouse.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_PORT = 8080
STOP_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("ui")(serve_ui)


def serve_ui(
    context: typer.Context,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port on 127.0.0.1.")
    ] = DEFAULT_PORT,
) -> None:
    """Serve Airflow with our DAGs and pages on 127.0.0.1 until Ctrl-C.

    Reads the home. Writes Airflow's database, logs and passwords under it, and whatever the DAGs that
    people start there write. Prints address, accounts and passwords once.

    Example: livinglab ui --port 8081
    """
    cli = context_of(context)
    home = cli.open().home.path
    require_free_port(port)
    arguments = ["--home", str(home), "--port", str(port)]
    arguments += ["--site", str(cli.site_file.absolute())] if cli.site_file else []
    log = home / "airflow" / "logs" / "ui.log"
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with hold_home(home), airflow_events("run_ui", arguments, log, stop_seconds=STOP_SECONDS) as events:
        try:
            with StepLines.on_stderr() as steps:
                served = _wait_until_served(events, steps, log)
            _announce(cli, served)
            for event in events:
                raise failure_of(event, log)
        except KeyboardInterrupt:
            cli.notice("stopping ...")
            return
    raise ended_early("Airflow has ended", log)


def require_free_port(port: int) -> None:
    """Raise Unavailable where another program uses the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise WrongUse(
                f"port {port} is kept for the system", remedy="livinglab ui --port 8080"
            ) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise Unavailable(
                f"port {port} of 127.0.0.1 is in use by another program",
                remedy=f"livinglab ui --port {port + 1 if port < 65535 else DEFAULT_PORT}",
            ) from error


def _wait_until_served(events: Any, steps: StepLines, log: Any) -> Mapping[str, Any]:
    for event in events:
        match event["event"]:
            case "starting":
                steps.begin(f"starting {event['what']}")
            case "healthy":
                return {name: event[name] for name in ("address", "accounts")}
            case _:
                raise failure_of(event, log)
    raise ended_early("Airflow ended while it started", log)


def _announce(cli: CliContext, served: Mapping[str, Any]) -> None:
    cli.emit(served, lambda console: _show_accounts(console, served))
    sys.stdout.flush()


def _show_accounts(console: "Console", served: Mapping[str, Any]) -> None:
    print_facts(console, {"address": served["address"], "stop": "Ctrl-C"})
    rows = [[account[name] for name in ("name", "password", "role")] for account in served["accounts"]]
    print_table(console, ["account", "password", "role in Airflow"], rows)
