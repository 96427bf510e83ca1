"""Has the log gone further than this home knows? Asked before anything is signed.

An old copy of a home is whole: registry, vault and log agree. What it signs next stands beside what was
signed already, and whoever holds both can show that the site's key made two logs. Only somebody outside can
know: the witnesses and the copies of heads that `[log]` of the site file names. Where it names none, nobody
does.
"""

from collections.abc import Sequence

from lakehouse.errors import Damaged, Unavailable
from lakehouse.pipeline.compare import (
    BEHIND,
    CONTRADICTIONS,
    SAME,
    Compared,
    compare_outside,
    outside_places,
)
from lakehouse.pipeline.site import Site

UNCHECKED, CHECKED = "unchecked", "checked"
"""States of a row of `restores`: whether somebody outside was asked since."""

_asked: dict[tuple[str, tuple[str, ...]], int] = {}
"""How many leaves this process last saw in the log of a home of which nobody outside had more."""


def require_newest_home(site: Site) -> None:
    """Raise Damaged where somebody outside has a head that this home's log does not reach or continue.

    A process asks once, and again where the log has become shorter. Places that do not answer are passed
    over, but not by a home that was restored: its first signature waits for one that knows the log, and for
    as many as the site demands (Unavailable).
    """
    places = outside_places(site)
    if not places or _has_asked(site, places):
        return
    restored = _unchecked_restores(site)
    found = compare_outside(site)
    ahead = contradiction(found)
    if ahead is not None:
        raise Damaged(_sentence(site, ahead), remedy=_remedy(ahead), place=ahead.place, seen=ahead.size)
    if restored:
        _require_enough(site, found)
        _mark_checked(site, restored)
    _asked[_key(site, places)] = site.log.size()


def newer_copy_outside(site: Site) -> dict[str, str] | None:
    """Return what `status` says where this home is an older copy, None where nobody knows of a newer one."""
    ahead = contradiction(compare_outside(site))
    return {"what": _sentence(site, ahead), "remedy": _remedy(ahead)} if ahead else None


def contradiction(found: Sequence[Compared]) -> Compared | None:
    """Return the place with the longest head that contradicts our log, or None."""
    against = [own for own in found if own.verdict in CONTRADICTIONS]
    return max(against, key=lambda own: own.size or 0, default=None)


def _has_asked(site: Site, places: Sequence[str]) -> bool:
    """Say whether this process has asked; a log that is shorter than it was then is another copy."""
    key, size = _key(site, places), site.log.size()
    if size < _asked.get(key, size + 1):
        return False
    _asked[key] = size
    return True


def _key(site: Site, places: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    return str(site.home.path), tuple(places)


def _unchecked_restores(site: Site) -> list[str]:
    with site.registry.reading() as tx:
        return [row["restore_id"] for row in tx.many("restores", state=UNCHECKED)]


def _mark_checked(site: Site, restores: Sequence[str]) -> None:
    with site.registry.transaction() as tx:
        for restore in restores:
            tx.change("restores", {"restore_id": restore}, state=CHECKED)


def _require_enough(site: Site, found: Sequence[Compared]) -> None:
    knowing = [own.place for own in found if own.verdict in (SAME, BEHIND)]
    wanted = max(1, site.log_policy.cosignatures)
    if len(knowing) >= wanted:
        return
    silent = "; ".join(f"{own.place}: {own.why}" for own in found if own.place not in knowing)
    raise Unavailable(
        f"this home was restored, and {len(knowing)} of {wanted} places outside could say how far its log "
        f"has gone ({silent})",
        remedy="see that the witnesses of [log] run (livinglab ui starts a home's own), then try again",
        wanted=wanted,
        knowing=knowing,
    )


def _sentence(site: Site, ahead: Compared) -> str:
    own = site.log.size()
    if ahead.size is not None and ahead.size > own:
        return (
            f"the log has been seen at {ahead.size} leaves by {ahead.place}, this home stands at {own}: "
            "it is an older copy"
        )
    return f"{ahead.place} has seen another log of {ahead.size} leaves than this home's of {own}"


def _remedy(ahead: Compared) -> str:
    return (
        f"write nothing; restore a backup of {ahead.size} leaves or more (livinglab restore), or bring back "
        "the home that has them; livinglab log compare says more"
    )
