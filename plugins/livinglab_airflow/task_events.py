"""The events of one task in its home's event log: that it began, and how it ended."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakehouse.errors import LivingLabError


@contextmanager
def task_events(verb: str) -> Iterator[None]:
    """Tell of a task, and let every event meanwhile name it; without LIVINGLAB_HOME nothing is told.

    `error` is the code of a refusal; RAISED for a fault, and for a task that skips itself.
    """
    from lakehouse.adapters.event_logging import EventFields, EventLog, bound_events
    from lakehouse.sites import event_log

    home = os.environ.get("LIVINGLAB_HOME")
    log = event_log(Path(home)) if home else EventLog()
    started = time.monotonic()
    with bound_events(verb=verb, call=secrets.token_hex(4)):
        log.write("task_began")
        error = "RAISED"
        try:
            yield
            error = ""
        except LivingLabError as refusal:
            error = refusal.code
            raise
        finally:
            told: EventFields = {"seconds": time.monotonic() - started}
            log.write("task_ended", **(told | {"error": error} if error else told))
