"""Progress of a long job on stderr: a moving line on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.cli.output import console_for

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


class StepLines:
    """What runs now, and one line with its seconds for what is done."""

    def __init__(self, console: "Console", status: "Status | None") -> None:
        self._console = console
        self._status = status

    @classmethod
    @contextmanager
    def on_stderr(cls) -> Iterator["StepLines"]:
        """Show steps on stderr while the block runs."""
        console = console_for(sys.stderr)
        if not console.is_terminal:
            yield cls(console, None)
            return
        with console.status("starting") as status:
            yield cls(console, status)

    def begin(self, step: str) -> None:
        """Say what runs now."""
        if self._status is None:
            self._console.print(f"{step} ...")
        else:
            self._status.update(step)

    def done(self, step: str, seconds: float) -> None:
        """Say what is done and how long it took."""
        self._console.print(f"{step.ljust(28)} {seconds:6.1f} s")

    def say(self, sentence: str) -> None:
        """Say something else."""
        self._console.print(sentence)
