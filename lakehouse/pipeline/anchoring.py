"""Show the log's signed head to places outside the site, and keep what they give.

A token or cosignature is verified before it is kept, and kept in one transaction: a killed run has kept it or
asks again. A place that has seen this head is not asked a second time.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakehouse.adapters.sql_registry import Row
from lakehouse.adapters.time_stamps import check_stamp
from lakehouse.anchors import Anchor, find_anchor
from lakehouse.core.anchor import Anchored, SignedHead
from lakehouse.core.bundle import TimeStamp
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import (
    decode_base64,
    encode_base64,
)
from lakehouse.core.trust import Trust
from lakehouse.errors import LivingLabError, NotVerified, Unavailable
from lakehouse.pipeline.cosign import keep_cosignatures, newest_head
from lakehouse.pipeline.site import Site

STAMPS = "rfc3161"
"""The backend whose tokens bundles carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """The head of `size` leaves: the places that took it now, and those that had it already."""

    backend: str
    size: int
    kept: tuple[Anchored, ...]
    already: tuple[str, ...]


def anchor_head(site: Site, name: str) -> Anchoring:
    """Show the newest head to every place of the backend `name` that the site file has.

    Raises ContractError (no such backend), Damaged (a place has seen another past), Unavailable (7) naming
    the places that gave nothing; what the others gave is kept all the same.
    """
    backend = find_anchor(name)
    with site.locks.hold([f"anchor-{name}"]):
        head = newest_head(site)
        places = backend.places(site.log_policy) if head.head.size else ()
        stamped = _stamped_by(site, head) if name == STAMPS else frozenset()
        given, missing = _ask_places(site, backend, head, [place for place in places if place not in stamped])
    _refuse_missing(name, head.head.size, missing)
    repeated = stamped | {one.place for one in given if one.repeated}
    return Anchoring(
        backend=name,
        size=head.head.size,
        kept=tuple(one for one in given if not one.repeated),
        already=tuple(place for place in places if place in repeated),
    )


def _ask_places(
    site: Site, backend: Anchor, head: SignedHead, places: Sequence[str]
) -> tuple[list[Anchored], list[tuple[str, LivingLabError]]]:
    """Return what each place gave, kept already, and the places that gave nothing, with why."""
    given: list[Anchored] = []
    missing: list[tuple[str, LivingLabError]] = []
    for place in places:
        try:
            answer = backend.anchor(site.log_policy, place, head)
        except (Unavailable, NotVerified) as error:
            missing.append((place, error))
            continue
        _keep(site, head.head.size, answer)
        given.append(answer)
    return given, missing


def count_stamps(site: Site) -> int:
    """Return how many authorities of the site file have stamped the newest head; the empty log needs none."""
    head = newest_head(site)
    return len(_stamped_by(site, head)) if head.head.size else len(site.log_policy.authorities)


def genuine_stamps(rows: Iterable[Row], trust: Trust, text: str) -> tuple[TimeStamp, ...]:
    """Return those of `rows` of the table `time_stamps` that verify over a checkpoint's text.

    One that a replaced certificate made, or an authority that `trust` no longer names, is left out.
    """
    digest = hashlib.sha256(text.encode()).digest()
    found = (_genuine_stamp(row, trust, digest) for row in rows)
    return tuple(stamp for stamp in found if stamp is not None)


def _genuine_stamp(row: Row, trust: Trust, digest: bytes) -> TimeStamp | None:
    authority = trust.authority(row["authority"])
    if authority is None:
        return None
    try:
        token = decode_base64(row["token"], "a time stamp")
        check_stamp(authority, token, digest)
    except NotVerified:
        return None
    return TimeStamp(authority=authority.name, token=token)


def _stamped_by(site: Site, head: SignedHead) -> frozenset[str]:
    with site.registry.reading() as tx:
        rows = tx.many("time_stamps", size=head.head.size)
    stamps = genuine_stamps(rows, site.log_policy.trust(head.log), head.note.text)
    return frozenset(stamp.authority for stamp in stamps)


def _keep(site: Site, size: int, given: Anchored) -> None:
    if given.lines:
        keep_cosignatures(site, size, given.lines)
    if given.token is not None:
        token, now = encode_base64(given.token), timestamp(site.clock())
        with site.registry.transaction() as tx:
            tx.drop("time_stamps", size=size, authority=given.place)
            tx.add("time_stamps", size=size, authority=given.place, token=token, created_at=now)


def _refuse_missing(name: str, size: int, missing: list[tuple[str, LivingLabError]]) -> None:
    if not missing:
        return
    said = "; ".join(f"{place}: {error.message}" for place, error in missing)
    raise Unavailable(
        f"{len(missing)} places of the anchor {name} gave nothing for the head of {size} leaves: {said}",
        remedy=missing[0][1].remedy or f"try again later: livinglab log anchor {name}",
        anchor=name,
        size=size,
        missing=[place for place, _ in missing],
    ) from missing[0][1]
