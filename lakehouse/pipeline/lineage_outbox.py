"""Lineage as it happens: what was written, and what failed, goes to the place that the site file names.

The log is the outbox: `lineage/sent.json` of the home says up to which leaf events went out, and a failure,
which leaves no leaf, is a file beside it until it is sent. A receiver that is down stops no write: what it
did not take is sent after the next write, or by `livinglab lineage replay`. Sent twice, an event is the same.
What it refuses as an event (400, 413, 422) is set aside; any other answer keeps the order and is tried again.
"""

import errno
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.openlineage_runs import Event
from lakehouse.errors import Damaged, LivingLabError, Unavailable
from lakehouse.pipeline.lineage import written_events
from lakehouse.pipeline.lineage_refused import (
    FOLDER,
    keep_refused,
    refused_elsewhere,
    refused_event,
    refused_files,
    refused_lineage,
)
from lakehouse.pipeline.site import Site

SENT, FAILED = "sent.json", "failed"
LOCK = "lineage"
LOCK_SECONDS = 5.0
LEAVES_AT_ONCE = 50
LEAVES_A_WRITE = 500
"""How much of a backlog one write takes along; `lineage replay` takes all of it."""

FAILURES_KEPT = 1000
APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
"""A pipe that nobody reads would hold up every write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLineage:
    """How many events went out, how many leaves and failures still wait, how many events were refused."""

    events: int
    waiting: int
    refused: int = 0


def emit_lineage(site: Site, say: Callable[[str], None]) -> None:
    """Send what was written since the last time; `say` is told what keeps it from going out."""
    if not site.lineage.wanted:
        return
    before = refused_lineage(site)
    try:
        refused = send_waiting(site, leaves=LEAVES_A_WRITE).refused
        if refused > before:
            say(f"lineage: the receiver refused {refused - before} events, which are set aside")
    except LivingLabError as error:
        say(f"lineage waits to be sent: {error.message}")
    except OSError as error:
        say(f"lineage waits to be sent: {FOLDER}/ of the home cannot be written ({error.strerror})")


def send_waiting(site: Site, leaves: int | None = None, *, again: bool = False) -> SentLineage:
    """Send what waits, of at most so many leaves; one process at a time. again: what was refused too.

    Raises Unavailable where the place takes nothing now: what went out until then is not sent again.
    """
    with site.locks.hold([LOCK], LOCK_SECONDS):
        set_aside = refused_files(site) if again else refused_elsewhere(site)
        first, end = sent_until(site), site.log.size()
        last = end if leaves is None else min(end, first + leaves)
        events = 0
        for start in range(first, last, LEAVES_AT_ONCE):
            until = min(last, start + LEAVES_AT_ONCE)
            events += _deliver(site, written_events(site, range(start, until)))
            _keep_sent(site, until)
        events += _send_failures(site) + _send_again(site, set_aside)
    return SentLineage(events=events, waiting=waiting_lineage(site), refused=refused_lineage(site))


def waiting_lineage(site: Site) -> int:
    """Return how many leaves and failures no event was sent of; 0 where the site names no place."""
    if not site.lineage.wanted:
        return 0
    return site.log.size() - sent_until(site) + len(_failures(site))


def sent_until(site: Site) -> int:
    """Return the leaf before which everything went to the place that is named now.

    From the beginning for another place, and for a log that is shorter than what was sent of it: a copy was
    restored. Raises Damaged.
    """
    path = site.home.place(FOLDER, SENT)
    try:
        said: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        leaf, target = int(said["leaf"]), said["target"]
    except FileNotFoundError:
        return 0
    except (IsADirectoryError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise Damaged(
            f"{FOLDER}/{SENT} cannot be parsed", remedy="remove it: the same events are sent again"
        ) from error
    return leaf if target == site.lineage.target and 0 <= leaf <= site.log.size() else 0


def keep_failure(site: Site, events: Sequence[Event]) -> None:
    """Keep the events of a failed attempt until they are sent; of the last thousand that wait."""
    folder = site.home.place(FOLDER, FAILED)
    for old in _failures(site)[: -FAILURES_KEPT + 1]:
        old.unlink(missing_ok=True)
    name = f"{time.time_ns():020}-{secrets.token_hex(4)}.ndjson"
    write_durably(folder / name, _lines(events))


def _send_failures(site: Site) -> int:
    sent = 0
    for path in _failures(site):
        sent += _deliver(site, _kept_events(path))
        path.unlink(missing_ok=True)
    return sent


def _send_again(site: Site, refused: Iterable[Path]) -> int:
    """Send what was set aside; what the same place refuses again stays."""
    sent = 0
    for path in refused:
        taken = _deliver(site, [refused_event(path)])
        if taken or path in refused_elsewhere(site):
            path.unlink(missing_ok=True)
        sent += taken
    return sent


def _kept_events(path: Path) -> list[Event]:
    """Return the events of a failure that waits; Damaged where the file is not as we wrote it."""
    try:
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(
            f"{FOLDER}/{FAILED}/{path.name} cannot be parsed",
            remedy="remove it: nobody is told of that failed attempt",
        ) from error


def _failures(site: Site) -> list[Path]:
    return sorted(site.home.place(FOLDER, FAILED).glob("*.ndjson"))


def _deliver(site: Site, events: Iterable[Event]) -> int:
    """Hand events to the file or the receiver, set aside what it refuses, and count what was taken."""
    given = list(events)
    if site.lineage.file is not None:
        _append(site.lineage.file, _lines(given))
        return len(given)
    receiver = site.lineage.receiver()
    taken = 0
    for event in given:
        if receiver.send(event):
            taken += 1
        else:
            keep_refused(site, event)
    return taken


def _append(path: Path, content: bytes) -> None:
    try:
        make_private_folder(path.parent)
        handle = os.open(path, APPENDING, 0o600)
        with os.fdopen(handle, "ab") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unavailable(
            f"the lineage file cannot be written ({error.strerror})",
            remedy="see [lineage] of the site file, then livinglab lineage replay",
        ) from error


def _lines(events: Iterable[Event]) -> bytes:
    lines = [json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in events]
    return "".join(f"{line}\n" for line in lines).encode()


def _keep_sent(site: Site, leaf: int) -> None:
    said = {"leaf": leaf, "target": site.lineage.target}
    write_durably(site.home.place(FOLDER, SENT), json.dumps(said).encode())
