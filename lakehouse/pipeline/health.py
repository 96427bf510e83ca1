"""health: whether the platform can do its work now, for load balancers and monitors."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.adapters.java import check_java
from lakehouse.errors import LivingLabError
from lakehouse.pipeline.alerts import firing_alerts, moment_of, uncovered_since
from lakehouse.pipeline.intents import OPEN
from lakehouse.pipeline.log_records import require_current_vault
from lakehouse.pipeline.metrics import STALE_AFTER
from lakehouse.pipeline.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`ok` where nothing stops the work; `reasons` say what does; `alerts` name thresholds passed."""

    reasons: Sequence[str] = ()
    alerts: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether the platform can do its work."""
        return not self.reasons

    def as_json(self) -> dict[str, object]:
        """Return the fields of the health endpoint."""
        return {"ok": self.ok, "reasons": list(self.reasons), "alerts": list(self.alerts)}


def site_health(site: Site) -> Health:
    """Return how the opened site stands; nothing is written or started. Raises NotAllowed."""
    site.actor.require("status")
    reasons = []
    for look in (_look_at_engine, _look_at_stores, _look_at_writes, _look_at_head):
        try:
            reasons += look(site)
        except LivingLabError as error:
            reasons.append(_sentence(error))
    try:
        alerts = [f"{alert.name} {alert.about}" for alert in firing_alerts(site)]
    except LivingLabError as error:
        return Health(reasons=list(dict.fromkeys([*reasons, _sentence(error)])))
    return Health(reasons=reasons, alerts=alerts)


def failed_health(error: LivingLabError) -> Health:
    """Return the health of a site that cannot be opened."""
    return Health(reasons=[_sentence(error)])


def _look_at_engine(_site: Site) -> list[str]:
    check_java()
    return []


def _look_at_stores(site: Site) -> list[str]:
    require_current_vault(site)
    with site.registry.reading() as tx:
        entries = tx.count("entries")
    size = site.log.size()
    return [] if size == entries else [f"the log has {size} leaves, registry.db {entries}: livinglab fsck"]


def _look_at_writes(site: Site) -> list[str]:
    now = site.clock()
    with site.registry.reading() as tx:
        begun = [moment_of(row) for row in tx.many("intents", state=OPEN)]
    stale = sum(now - moment > STALE_AFTER for moment in begun)
    return [f"{stale} writes were begun more than an hour ago and not ended"] if stale else []


def _look_at_head(site: Site) -> list[str]:
    """Missing cosignatures stop work only where the site file says so."""
    if site.log_policy.when_missing == "warn" or uncovered_since(site) is None:
        return []
    return ["the log's head lacks cosignatures that the site demands: livinglab log cosign"]


def _sentence(error: LivingLabError) -> str:
    return f"{error.message}: {error.remedy}" if error.remedy else error.message
