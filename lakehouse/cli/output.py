"""What a command says and where: one JSON document or tables on stdout, the rest on stderr."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lakehouse.adapters.durable_files import write_durably
from lakehouse.cli.command_events import CommandEvents
from lakehouse.cli.table_layout import GAP, fit_columns
from lakehouse.errors import LivingLabError, WrongUse

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.site import Site

Advance = Callable[[int], None]
PRIVATE = 0o600
_DATA = ("land", "refine", "publish", "optimise")
_PEOPLE = ("ask", "predict", "approve", "reject", "withdraw", "erase", "rectify", "consent", "permit")
WRITING = frozenset({*_DATA, *_PEOPLE})
"""Commands that end with cosignatures even where they only repeat what stands already."""

Render = Callable[["Console"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CliContext:
    """The global options of a call: where, which site, who acts, and how to answer."""

    home: Path | None = None
    site_file: Path | None = None
    as_name: str | None = None
    json: bool = False
    command: str | None = None
    events: CommandEvents = field(default_factory=CommandEvents)
    _opened: "list[tuple[Site, int]]" = field(default_factory=list)

    def open(self, *, create: bool = False, replay: bool = True) -> "Site":
        """Open the site for whoever acts; `create` lets an empty home initialise itself.

        Without `replay` the writes of killed processes are left as they are.
        """
        from lakehouse.sites import home_path, open_site

        self.events.begin(home_path(self.home))
        site = open_site(self.site_file, self.home, self.as_name, create=create, replay=replay)
        if replay and (site.log_policy.witnesses or site.lineage.wanted or site.alerts.told_anywhere):
            self._opened.append((site, site.log.size()))
        return site

    def emit(self, value: object, render: Render) -> None:
        """Write the result: `value` as one JSON document with --json, else what `render` prints.

        What the command wrote is cosigned first, as the site demands: without that there is no result.
        """
        self._cosign_what_was_written()
        if self.json:
            write_json(value)
        else:
            render(console_for(sys.stdout))

    def _cosign_what_was_written(self) -> None:
        """Raise Unavailable where fewer witnesses cosign than the site demands, and it does not only warn."""
        for site, size in self._opened[-1:]:
            if self.command in WRITING or site.log.size() > size:
                from lakehouse.pipeline.settle import settle_head

                settle_head(site, self.notice)

    def notice(self, sentence: str) -> None:
        """Write a sentence for people to stderr."""
        sys.stderr.write(f"{printable(sentence)}\n")

    @contextmanager
    def progress(self, title: str, total: int | None = None) -> Iterator[Advance]:
        """Show progress on stderr: a bar on a terminal, else a line at the start and at the end.

        Yields a function that moves the bar on by so many steps.
        """
        if sys.stderr.isatty():
            with _progress_bar(title, total) as advance:
                yield advance
            return
        started = time.monotonic()
        self.notice(f"{title} ...")
        yield _ignore_steps
        self.notice(f"{title}: {time.monotonic() - started:.1f} s")


def context_of(context: typer.Context) -> CliContext:
    """Return the global options that stand in a command's context."""
    found = context.find_root().obj
    return found if isinstance(found, CliContext) else CliContext()


def console_for(stream: object) -> "Console":
    """Return a rich console for a stream; colours only where it is a terminal."""
    from rich.console import Console

    terminal = bool(getattr(stream, "isatty", lambda: False)())
    return Console(
        file=stream,  # type: ignore[arg-type]
        no_color=not terminal or "NO_COLOR" in os.environ,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not terminal,
        width=None if terminal else 160,
    )


def print_table(
    console: "Console",
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """Print a table; the columns named in `right` are set flush right, None shows as a dash.

    No word is broken: where the table is wider than the terminal, each row becomes lines of its own.
    """
    cells = [["–" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    whole = [index for index, name in enumerate(columns) if name in right]
    widths = fit_columns([list(columns), *cells], console.width, whole=whole)
    if title:
        console.print(f"\n{printable(title)}")
    if widths is None:
        _print_records(console, columns, cells)
    else:
        _print_grid(console, columns, cells, widths, right)


def _print_grid(
    console: "Console",
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    widths: Sequence[int],
    right: Sequence[str],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), show_edge=False)
    for name, width in zip(columns, widths, strict=True):
        table.add_column(name, justify="right" if name in right else "left", width=width, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_records(console: "Console", columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    for number, row in enumerate(cells):
        if number:
            console.print()
        print_facts(console, dict(zip(columns, row, strict=True)))


def print_facts(console: "Console", facts: Mapping[str, object]) -> None:
    """Print names and values in two columns; None shows as a dash."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        shown = "–" if value is None else printable(str(value))
        console.print(f"{name.ljust(width)}  {shown}", soft_wrap=True)


def printable(text: str) -> str:
    """Return the text with control characters shown, so that no value can steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def as_document(value: object) -> object:
    """Return plain JSON values: NaN and infinities become null, decimals strings, times RFC 3339."""
    match value:
        case Mapping():
            return {str(key): as_document(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [as_document(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
        case _:
            return _as_text(value)


def _as_text(value: object) -> object:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | Path():
            return value.isoformat() if isinstance(value, date) else str(value)
        case bytes():
            return value.hex()
        case _:
            return value


def write_json(value: object) -> None:
    """Write one JSON document to stdout; ASCII, so that every locale can carry it."""
    sys.stdout.write(json.dumps(as_document(value), allow_nan=False, indent=2) + "\n")


def write_error(error: LivingLabError, *, as_json: bool) -> None:
    """Say why a command ended: the `error` object on stdout, or a sentence and the way out on stderr."""
    if as_json:
        write_json({"error": error.as_json()})
        return
    label = "\x1b[31merror\x1b[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else "error"
    sys.stderr.write(f"{label}: {printable(error.message)}\n")
    if error.remedy:
        sys.stderr.write(f"  {printable(error.remedy)}\n")


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write a file in one step: the old one or the new one stands there, never half of it.

    Private unless `mode` says otherwise, as it does for proofs, which are made to be given away.

    WrongUse where its folder is missing or the path is a folder.
    """
    if path.is_dir():
        raise WrongUse("the output path is a folder", remedy="name a file in it")
    if not path.parent.is_dir():
        raise WrongUse("the folder of the output file does not exist", remedy="make the folder first")
    write_durably(path, content)
    if mode != PRIVATE:
        path.chmod(mode)


@contextmanager
def _progress_bar(title: str, total: int | None) -> Iterator[Advance]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("{task.description}", markup=False), BarColumn()]
    counted = [MofNCompleteColumn()] if total else []
    with Progress(
        *columns, *counted, TimeElapsedColumn(), console=console_for(sys.stderr), transient=True
    ) as progress:
        task = progress.add_task(printable(title), total=total)
        yield lambda steps: progress.advance(task, steps)


def _ignore_steps(_steps: int) -> None:
    """Take steps where no bar is shown."""
