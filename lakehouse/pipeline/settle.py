"""The end of every write: lineage and alerts go out, the head is cosigned and stamped as the site demands."""

import time
from collections.abc import Callable

from lakehouse.errors import LivingLabError, Unavailable
from lakehouse.pipeline.alert_delivery import settle_alerts
from lakehouse.pipeline.anchoring import STAMPS, anchor_head, count_stamps
from lakehouse.pipeline.cosign import FIRST_PAUSE, LONGEST_PAUSE, cosign_by_policy
from lakehouse.pipeline.lineage_outbox import emit_lineage
from lakehouse.pipeline.site import Site


def settle_head(site: Site, say: Callable[[str], None]) -> None:
    """Send lineage, ask witnesses and time-stamping authorities, then send alerts, even where those fail.

    `say` is told of whoever is missing.

    Raises Unavailable where fewer answered than demanded and the site file says wait or refuse; Damaged where
    one of them has seen a log that contradicts this one.
    """
    emit_lineage(site, say)
    try:
        cosign_by_policy(site, say)
        _stamp_by_policy(site, say)
    except LivingLabError:
        settle_alerts(site, say)
        raise
    settle_alerts(site, say)


def _stamp_by_policy(site: Site, say: Callable[[str], None]) -> None:
    policy = site.log_policy
    if not policy.time_stamps:
        return
    patience = policy.wait_seconds if policy.when_missing == "wait" else 0
    missing = _stamp_patiently(site, say, patience)
    if missing is None:
        return
    say(missing.message)
    if count_stamps(site) < policy.time_stamps and policy.when_missing != "warn":
        raise missing


def _stamp_patiently(site: Site, say: Callable[[str], None], patience: float) -> Unavailable | None:
    """Ask all authorities, ever more rarely, until enough have answered; return what is missing then."""
    deadline, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        try:
            anchor_head(site, STAMPS)
            return None
        except Unavailable as error:
            enough = count_stamps(site) >= site.log_policy.time_stamps
            if enough or time.monotonic() + pause > deadline:
                return error
            say(f"waiting for time stamps: {error.message}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
