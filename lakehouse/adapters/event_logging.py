"""What the platform did: one JSON object a line in `logs/events.jsonl` of the home, by structlog.

Fields are those of `EventFields` and no others, and a text only passes where it has the form of a name of
contracts or code, a digest or an id: no value of a person, pseudonym or file name has a way in. Nothing is
configured for the whole process, so other libraries' loggers stay out of it, and ours out of theirs.
"""

import errno
import fcntl
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, get_args

from lakehouse.errors import WrongUse

LogMode = Literal["file", "json", "off"]
"""Where events go: to the home's file, there and to stderr, nowhere."""
LOG_MODES: tuple[LogMode, ...] = get_args(LogMode)
FOLDER, FILE = "logs", "events.jsonl"
LARGEST_FILE = 10 * 2**20
KEPT_FILES = 5
APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link would let lines into another file; a pipe that nobody reads would hold up every command."""

WITHHELD = "withheld"
"""What stands where a text was not of the form of a name, a digest or an id."""

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}|[A-Z][A-Z_]{0,39}", re.ASCII)


class EventFields(TypedDict, total=False):
    """What an event may say beside its name and its time.

    call: the command of the CLI that it belongs to, an id; dag, run: the DAG and its run, as OpenLineage
    names it. seconds: since the command or task began. error: a code of `lakehouse.errors`.
    """

    verb: str
    call: str
    dag: str
    run: str
    table: str
    version: int
    kind: str
    leaf: int
    intent: str
    rows: int
    received: int
    accepted: int
    quarantined: int
    seconds: float
    exit_code: int
    error: str


_BOUND: ContextVar[EventFields | None] = ContextVar("livinglab_events", default=None)
"""Not structlog's own context: Airflow's task runner binds that for its lines, which are not ours."""


@contextmanager
def bound_events(**fields: Unpack[EventFields]) -> Iterator[None]:
    """Let every event of this thread or task carry these fields until the end."""
    token = _BOUND.set({**(_BOUND.get() or {}), **fields})
    try:
        yield
    finally:
        _BOUND.reset(token)


class EventFile:
    """A file of lines (0600), set aside under a number where it is full; several processes may append.

    With `echo` each line goes to stderr too.
    """

    def __init__(
        self, path: Path, *, echo: bool = False, largest: int = LARGEST_FILE, kept: int = KEPT_FILES
    ) -> None:
        self.path = path
        self.echo = echo
        self.largest = largest
        self.kept = kept

    def msg(self, message: str) -> None:
        """Append one line; OSError where that is not possible."""
        if self.echo:
            sys.stderr.write(f"{message}\n")
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(self.path, APPENDING, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a file")
            os.write(handle, f"{message}\n".encode())
            full = os.fstat(handle).st_size >= self.largest
        finally:
            os.close(handle)
        if full:
            self._rotate()

    def _rotate(self) -> None:
        """Rename the files; only one process does, and only where nobody did so meanwhile."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if self.path.exists() and self.path.stat().st_size >= self.largest:
                for number in range(self.kept - 1, 0, -1):
                    older = self._numbered(number)
                    if older.exists():
                        older.replace(self._numbered(number + 1))
                self.path.replace(self._numbered(1))
        finally:
            os.close(folder)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


class EventLog:
    """The events of one home; without a folder they go nowhere.

    A line that cannot be written stops no verb: that is said once on stderr, and the log then is silent.
    """

    def __init__(self, home: Path | None = None, mode: LogMode = "file") -> None:
        self._silent = home is None or mode == "off"
        self._file = EventFile((home or Path()) / FOLDER / FILE, echo=mode == "json")
        self._logger: Any = None

    def write(self, event: str, **fields: Unpack[EventFields]) -> None:
        """Write one event, with the fields that are bound."""
        if self._silent:
            return
        if self._logger is None:
            self._logger = _line_logger(self._file)
        try:
            self._logger.msg(event, **{**(_BOUND.get() or {}), **fields})
        except OSError as problem:
            self._silent = True
            sys.stderr.write(f"the event log cannot be written ({problem.strerror}); the work goes on\n")


def _line_logger(file: EventFile) -> Any:
    import structlog

    return structlog.wrap_logger(
        file,
        processors=[_known_fields, _stamp, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.BoundLogger,
        context_class=dict,
    )


def parse_log_mode(text: str | None) -> LogMode:
    """Return the mode that $LIVINGLAB_LOG names, `file` where it is unset."""
    named = next((mode for mode in LOG_MODES if mode == (text or "file")), None)
    if named is None:
        raise WrongUse("LIVINGLAB_LOG is none of its values", remedy=f"one of {', '.join(LOG_MODES)}")
    return named


def _known_fields(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: _passed(value)
        for name, value in event.items()
        if value is not None and (name == "event" or name in EventFields.__annotations__)
    }


def _passed(value: object) -> object:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else WITHHELD
    return round(value, 3) if isinstance(value, float) else int(str(value))


def _stamp(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": moment, **event}
