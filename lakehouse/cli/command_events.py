"""The events of one command: that it began on a home, and how it ended (adapters/event_logging.py)."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.adapters.event_logging import EventFields, bound_events


@dataclass(slots=True, kw_only=True)
class CommandEvents:
    """One call as its home's event log tells it; a command that opens no home is told nowhere."""

    command: str | None = None
    home: Path | None = None
    error: str | None = None
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Let every event meanwhile name this call."""
        with bound_events(verb=self.command or "none", call=secrets.token_hex(4)):
            yield

    def begin(self, home: Path) -> None:
        """Tell that the command opens a home, unless it is one that has yet to be made.

        WrongUse where $LIVINGLAB_LOG is none of its values.
        """
        from lakehouse.sites import event_log

        event_log(home).write("command_began")
        self.home = home

    def end(self, exit_code: int) -> None:
        """Tell how the command ended, and after how long."""
        if self.home is None:
            return
        from lakehouse.sites import event_log

        told: EventFields = {"seconds": time.monotonic() - self.started, "exit_code": exit_code}
        if self.error:
            told["error"] = self.error
        event_log(self.home).write("command_ended", **told)
