"""The moment at which this site decides: never before what its log has recorded.

A clock that was set back would let a withdrawn consent speak again, date records before those they build on
and hold rows for ones from the future. So consents are asked at the later of clock and newest record, and
nothing is signed under a clock that lies further back than clocks of one site differ.
"""

from datetime import datetime, timedelta

from lakehouse.core.lineage import parse_record
from lakehouse.errors import Unavailable
from lakehouse.pipeline.site import Site

TOLERANCE = timedelta(minutes=5)


def newest_moment(site: Site) -> datetime | None:
    """Return the time of the newest record of the log, None where it is empty."""
    with site.registry.reading() as tx:
        newest = tx.many("entries", newest=1)
    return datetime.fromisoformat(parse_record(newest[0]["entry"].encode()).time) if newest else None


def log_now(site: Site) -> datetime:
    """Return the clock's time, or that of the newest record where the clock lies before it."""
    now, newest = site.clock(), newest_moment(site)
    return now if newest is None else max(now, newest)


def require_clock(now: datetime, newest: datetime) -> None:
    """Raise Unavailable where a clock lies more than `TOLERANCE` before the newest record."""
    behind = newest - now
    if behind > TOLERANCE:
        minutes = int(behind.total_seconds() // 60)
        raise Unavailable(
            f"the clock lies {minutes} minutes before the newest record of the log; nothing is signed",
            remedy="set the clock right; if it ran ahead when that record was made, wait until it is later",
            minutes=minutes,
        )
