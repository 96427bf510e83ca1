"""Give outsiders another trust file, once the site file names other witnesses or demands: a logged act."""

import hashlib
from dataclasses import dataclass

from lakehouse.core.lineage import parse_record
from lakehouse.pipeline.log_records import LOG_LOCK, draft_record, log_record
from lakehouse.pipeline.site import Site

KIND = "trust"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRenewal:
    """SHA-256 of trust.json, and the leaf that says so; `repeated` where nothing had to change."""

    digest: str
    leaf: int | None
    repeated: bool


def renew_trust(site: Site) -> TrustRenewal:
    """Log what the site now demands and rewrite registry/trust.json; again, the same.

    A killed run has logged it: the next one only writes the file. Raises NotAllowed.
    """
    site.actor.require("renew_trust")
    digest = hashlib.sha256(site.log.trust.render().encode()).hexdigest()
    with site.locks.hold([LOG_LOCK]):
        leaf, logged = _newest_renewal(site)
        current = site.log.trust_is_current()
        if current and logged in (None, digest):
            return TrustRenewal(digest=digest, leaf=leaf, repeated=True)
        if logged != digest:
            demanded = {
                "cosignatures": site.log.trust.cosignatures,
                "post_quantum": site.log.trust.post_quantum,
                "time_stamps": site.log.trust.time_stamps,
            }
            draft = draft_record(
                site, kind=KIND, digests={KIND: digest}, details=demanded, ref=f"{KIND}-{digest[:16]}"
            )
            leaf = log_record(site, draft)
        site.log.write_trust()
    return TrustRenewal(digest=digest, leaf=leaf, repeated=False)


def _newest_renewal(site: Site) -> tuple[int | None, str | None]:
    """Return leaf and digest of the newest renewal."""
    with site.registry.reading() as tx:
        rows = tx.many("records", kind=KIND, order="leaf_index", newest=1)
    if not rows:
        return None, None
    record = parse_record(str(rows[0]["record"]).encode())
    return int(rows[0]["leaf_index"]), record.digests.get(KIND)
