"""Lineage events that a receiver understood and refused: set aside, so that they hold up none behind them.

Each is a file of `lineage/refused/`, named by when it was refused, the place that refused it and its digest;
`lineage replay` sends them again, and another place that the site file names gets them as a matter of course.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from lakehouse.adapters.durable_files import write_durably
from lakehouse.adapters.openlineage_runs import Event
from lakehouse.errors import Damaged, Unavailable
from lakehouse.pipeline.site import Site

FOLDER, REFUSED = "lineage", "refused"
REFUSED_KEPT = 1000
"""A receiver that refuses more takes no lineage of ours at all: then everything waits in its order."""


def keep_refused(site: Site, event: Event) -> None:
    """Set one event aside, once. Unavailable where a thousand are kept already."""
    content = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(content).hexdigest()[:32]
    kept = refused_files(site)
    name = f"{site.lineage.target[:16]}-{digest}.json"
    if any(path.name.endswith(name) for path in kept):
        return
    if len(kept) >= REFUSED_KEPT:
        raise Unavailable(
            f"the lineage receiver has refused {REFUSED_KEPT} events",
            remedy="see what it logs, then livinglab lineage replay",
        )
    write_durably(site.home.place(FOLDER, REFUSED) / f"{time.time_ns():020}-{name}", content)


def refused_files(site: Site) -> list[Path]:
    """Return where refused events lie, in the order in which they were refused."""
    return sorted(site.home.place(FOLDER, REFUSED).glob("*.json"))


def refused_elsewhere(site: Site) -> list[Path]:
    """Return those that another place refused than the one that is named now."""
    named = f"-{site.lineage.target[:16]}-"
    return [path for path in refused_files(site) if named not in path.name]


def refused_lineage(site: Site) -> int:
    """Return how many events are set aside; 0 where the site names no place."""
    return len(refused_files(site)) if site.lineage.wanted else 0


def refused_event(path: Path) -> Event:
    """Return a refused event; Damaged where the file is not as we wrote it."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Damaged(
            f"{FOLDER}/{REFUSED}/{path.name} cannot be parsed",
            remedy="remove it: nobody is told of that event",
        ) from error
    return found
