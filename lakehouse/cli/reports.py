"""Commands that show how the site stands: status, and reports to keep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.output import context_of, print_facts, print_table
from lakehouse.core.report import shown
from lakehouse.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.cli.output import CliContext
    from lakehouse.pipeline.status import SiteStatus


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("report")(write_report)
    app.command("status")(show_status)


def write_report(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")],
    target: Annotated[str | None, typer.Argument(metavar="TABLE[@V] | RUN", show_default=False)] = None,
    whole_site: Annotated[bool, typer.Option("--site", help="Report on the whole site.")] = False,
) -> None:
    """Write a lineage report: one HTML page that loads nothing, and its JSON-LD.

    Reads: the registry, the log's head and the contracts; no row of any table.
    Writes: FOLDER/<name>.html and FOLDER/<name>.jsonld, which only you can read.

    Example: livinglab report gold.gait_by_cohort -o reports
    """
    if (target is None) != whole_site:
        raise WrongUse("name one table or run, or give --site", remedy="livinglab report --help")
    from lakehouse.pipeline import report

    cli = context_of(context)
    site = cli.open()
    with cli.progress("writing the report"):
        written = report.write_report(site, target, output)
    cli.emit(
        written.as_json(),
        lambda console: print_table(console, ["written"], [[str(file)] for file in written.files]),
    )


def show_status(
    context: typer.Context,
    metrics: Annotated[bool, typer.Option("--metrics", help="Figures for Prometheus instead.")] = False,
    tell: Annotated[bool, typer.Option("--tell", help="Instead: send alerts that began or ended.")] = False,
) -> None:
    """Say how the site stands, which alerts fire, and what is missing and how to get it.

    With --metrics: counters and gauges in Prometheus' text format (engineer, DPO, auditor); counts that
    may concern few people are left out. With --tell: each alert goes to where [alerts] of the site file says
    once when it begins and once when it has ended; for a timer, where no Airflow runs.
    Reads: the home, the registry, the environments; of tables the consents alone.
    Writes: nothing; with --tell what was told, in alerts/ of the home.
    Works before there is a home.

    Example: livinglab status --metrics
    """
    if metrics and tell:
        raise WrongUse("status takes --metrics or --tell", remedy="livinglab status --help")
    if metrics or tell:
        (_show_metrics if metrics else _tell_alerts)(context_of(context))
        return
    from lakehouse.adapters.site_file import read_site_file
    from lakehouse.pipeline.home_identity import IDENTITY
    from lakehouse.pipeline.status import site_status, unopened_status
    from lakehouse.sites import home_path

    cli = context_of(context)
    path, settings = home_path(cli.home), read_site_file(cli.site_file)
    there = (path / IDENTITY).exists()
    status = site_status(cli.open(), settings) if there else unopened_status(path, settings)
    cli.emit(status.as_json(), lambda console: _print_status(console, status))


def _show_metrics(cli: "CliContext") -> None:
    """A scrape waits for nobody: it neither ends killed writes nor asks witnesses."""
    from lakehouse.core.metrics import render_metrics
    from lakehouse.pipeline.home_identity import IDENTITY
    from lakehouse.pipeline.metrics import absent_metrics, site_metrics
    from lakehouse.sites import home_path

    there = (home_path(cli.home) / IDENTITY).exists()
    found = site_metrics(cli.open(replay=False)) if there else absent_metrics()
    cli.emit(
        {"metrics": [metric.as_json() for metric in found]},
        lambda console: console.out(render_metrics(found).rstrip("\n"), highlight=False),
    )


def _tell_alerts(cli: "CliContext") -> None:
    """Raise WrongUse where the site file names no receiver, Unavailable where one takes nothing now."""
    from lakehouse.pipeline.alert_delivery import tell_alerts

    site = cli.open(replay=False)
    site.actor.require("status")
    if not site.alerts.told_anywhere:
        raise WrongUse("no receiver of alerts is named", remedy="[alerts] command or url of the site file")
    done = tell_alerts(site)
    if done.problems:
        raise Unavailable(
            "; ".join(done.problems),
            remedy="what was not taken is sent again by livinglab status --tell",
            told=done.told,
            waiting=done.waiting,
        )
    cli.emit(done.as_json(), lambda console: console.print(f"{done.told} alerts were told"))


def _cosigners(status: "SiteStatus") -> dict[str, object]:
    if status.cosigned is None:
        return {}
    names = status.cosigned["collected"]
    by = ", ".join(map(str, names)) if isinstance(names, list) and names else "nobody"
    return {"head cosigned by": f"{by} ({status.cosigned['wanted']} wanted)"}


def _print_status(console: "Console", status: "SiteStatus") -> None:
    print_facts(
        console,
        {
            "home": status.home,
            "site": status.site,
            "initialised": shown(status.initialised),
            "code": status.code_version,
            **{name: own["place"] for name, own in status.stores.items()},
            "log size": status.log_size,
            **_cosigners(status),
            "acting as": status.actor,
        },
    )
    print_table(
        console,
        ["part", "ready", "what it says"],
        [[own.name, "yes" if own.ready else "no", own.says] for own in status.engines],
        title="Engines",
    )
    if status.tables:
        columns = ["name", "layer", "version", "rows"]
        rows = [[own["name"], own["layer"], own["version"], shown(own["rows"])] for own in status.tables]
        print_table(console, columns, rows, title="Tables", right=["version", "rows"])
    if status.runs:
        print_table(
            console, ["run", "last write"], [[own["run"], own["time"]] for own in status.runs], title="Runs"
        )
    if status.budget:
        columns = ["population", "purpose", "cap", "spent", "left"]
        rows = [[own[name] for name in columns] for own in status.budget]
        print_table(console, columns, rows, title="Privacy budget", right=["cap", "spent", "left"])
    for release in status.waiting:
        console.print(f"waiting for a decision: {release['product']}")
        console.print(f'  livinglab approve {release["release"]} --reason "..."', soft_wrap=True)
    for alert in status.alerts:
        console.print(f"alert: {alert['says']}: {alert['remedy']}")
    if status.alerts_untold:
        console.print(f"{status.alerts_untold} alerts wait to be told: livinglab status --tell")
    if status.lineage and status.lineage["refused"]:
        told = f"{status.lineage['refused']} lineage events were refused and are set aside"
        console.print(f"{told}: see what the receiver logs, then livinglab lineage replay")
    for missing in status.missing:
        console.print(f"missing: {missing['what']}: {missing['remedy']}")
