"""What a background process tells the command that started it: JSON lines on a pipe of its own.

Standard output and error belong to Airflow and Spark and go to a log file; only facts come here.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import IO

Event = Mapping[str, object]


class EventPipe:
    """Writes events to an inherited file descriptor, one JSON document a line."""

    def __init__(self, descriptor: int) -> None:
        self._stream: IO[str] = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
        os.set_inheritable(descriptor, False)

    def send(self, event: str, **facts: object) -> None:
        """Send one event."""
        self._stream.write(json.dumps({"event": event, **facts}, default=str) + "\n")


def stop_with_parent(number: int = signal.SIGKILL) -> None:
    """Signal this process when the command that started it is gone: its end of our stdin closes.

    SIGKILL by default: a running task of Airflow takes up SIGTERM for itself and goes on. What was begun
    is completed or undone at the next start.
    """
    threading.Thread(target=_wait_for_parent, args=(number,), name="parent-watch", daemon=True).start()


def _wait_for_parent(number: int) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        continue
    os.kill(os.getpid(), number)
