"""One program of this environment: a JSON job on stdin, one JSON answer on stdout."""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def answer_job(work: Callable[[dict[str, Any]], dict[str, Any]], *, longest_life: int) -> None:
    """Do the job and write the answer.

    Files it makes are private. Whatever a library prints goes to stderr, which the platform never
    shows. The system ends the process after `longest_life` seconds, whatever became of the platform.
    """
    os.umask(0o077)
    signal.alarm(longest_life)
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answer:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        json.dump(work(json.load(sys.stdin)), answer, allow_nan=False)
