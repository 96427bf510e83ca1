"""Compare our log with what witnesses and copies have of it: was anybody shown another history?"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

from lakehouse.adapters.log_copies import LogCopy
from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.tile_log import read_nodes
from lakehouse.core.checkpoint import Checkpoint, SignedNote, parse_checkpoint
from lakehouse.core.merkle import consistency_ranges, verify_consistency
from lakehouse.core.misbehaviour import Misbehaviour, accuse, check_misbehaviour
from lakehouse.errors import Damaged, NotVerified, Unavailable
from lakehouse.pipeline.site import Site

SAME, BEHIND, NONE, UNREACHABLE = "same", "behind", "none", "unreachable"
FORKED, REWRITTEN, LONGER, UNSIGNED = "forked", "rewritten", "longer", "not signed by this log"
CONTRADICTIONS = frozenset({FORKED, REWRITTEN, LONGER})
"""Verdicts that say: this log was rolled back, or somebody was shown another."""

ASKED_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One place: its head's size and root (hex), null where it has none, and how it stands to ours."""

    place: str
    verdict: str
    why: str
    size: int | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All places, and what proves to anybody that the log's key signed what cannot be one log."""

    size: int
    places: tuple[Compared, ...]
    evidence: bytes | None = None

    @property
    def contradicted(self) -> bool:
        """Say whether some place has another history than ours."""
        return self.evidence is not None or any(own.verdict in CONTRADICTIONS for own in self.places)

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Return the places that could not be asked."""
        return tuple(own.place for own in self.places if own.verdict == UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    compared: Compared
    note: SignedNote | None = None
    evidence: bytes | None = None


def compare_log(site: Site, places: Sequence[str]) -> Comparison:
    """Return how the heads of `places` (addresses, folders) stand to our log's.

    By default those of all witnesses, and of the folders that take copies. Raises WrongUse for a place given
    that is none.
    """
    copies = [LogCopy(place) for place in places]
    found = _compare_all(site, copies or _outside_copies(site))
    notes = [one.note for one in found if one.note is not None]
    proofs = [one.evidence for one in found if one.evidence is not None]
    proofs += [proof for pair in combinations(notes, 2) for proof in _forks(site, *pair)]
    return Comparison(
        size=site.log.size(),
        places=tuple(one.compared for one in found),
        evidence=next(iter(proofs), None),
    )


def outside_places(site: Site) -> tuple[str, ...]:
    """Return where the site file lets others see the log: addresses of witnesses, folders of copies."""
    witnesses = [witness.url for witness in site.log_policy.witnesses]
    return (*witnesses, *(str(copy.folder) for copy in site.log_policy.copies))


def compare_outside(site: Site) -> tuple[Compared, ...]:
    """Return how the heads of `outside_places` stand to our log's; evidence is not asked for."""
    return tuple(one.compared for one in _compare_all(site, _outside_copies(site), with_evidence=False))


def _outside_copies(site: Site) -> list[LogCopy]:
    return [LogCopy(place, must_exist=False) for place in outside_places(site)]


def _compare_all(site: Site, copies: Sequence[LogCopy], *, with_evidence: bool = True) -> list[_Found]:
    """Ask side by side: one that does not answer holds up no other."""
    if not copies:
        return []
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return list(pool.map(lambda copy: _compare_one(site, copy, with_evidence), copies))


def _compare_one(site: Site, copy: LogCopy, with_evidence: bool) -> _Found:
    def judged(verdict: str, why: str, head: Checkpoint | None = None) -> Compared:
        size, root = (head.size, head.root.hex()) if head else (None, None)
        return Compared(place=copy.place, verdict=verdict, why=why, size=size, root=root)

    try:
        note = copy.head(site.log.trust.log)
        kept = _held_evidence(site, copy) if with_evidence else None
    except Unavailable as error:
        return _Found(compared=judged(UNREACHABLE, error.message))
    except NotVerified as error:
        return _Found(compared=judged(UNSIGNED, error.message))
    if note is None:
        return _Found(compared=judged(NONE, "it has no head of this log"), evidence=kept)
    head = parse_checkpoint(note.text)
    # Our own head is read after theirs: a head that was newer then is not newer now.
    ours = site.log.signed_head()
    if head.size > parse_checkpoint(ours.text).size:
        verdict, why, proof = _judge_longer(site, copy, ours, note)
    else:
        verdict, why, proof = _judge_covered(site, ours, note)
    evidence = proof.render() if proof else None
    return _Found(compared=judged(verdict, why, head), note=note, evidence=evidence or kept)


def _judge_covered(site: Site, ours: SignedNote, theirs: SignedNote) -> tuple[str, str, Misbehaviour | None]:
    """Judge a head that is not longer than ours: our tiles say what its leaves were."""
    head, own = parse_checkpoint(theirs.text), parse_checkpoint(ours.text)
    root = site.log.root_at(head.size)
    if root == head.root:
        if head.size == own.size:
            return SAME, "it has our head", None
        return BEHIND, "ours continues it", None
    log = site.log.trust.log
    if head.size == own.size:
        return FORKED, f"it has another log of {head.size} leaves", accuse(log, ours, theirs)
    path = site.log.consistency(head.size, own.size)
    proof = accuse(log, theirs, ours, root=root, path=path)
    return REWRITTEN, f"our first {head.size} leaves are not those it has seen", proof


def _judge_longer(
    site: Site, copy: LogCopy, ours: SignedNote, theirs: SignedNote
) -> tuple[str, str, Misbehaviour | None]:
    """Judge a head that is longer than ours: our log was rolled back, or replaced by another."""
    head, own = parse_checkpoint(theirs.text), parse_checkpoint(ours.text)
    log = site.log.trust.log
    rolled_back = f"it has {head.size} leaves signed by this log, which now has {own.size}"
    at_our_size = _earlier_head(site, copy, own.size)
    if at_our_size is not None and parse_checkpoint(at_our_size.text).root != own.root:
        return FORKED, f"it has another log of {own.size} leaves", accuse(log, ours, at_our_size)
    if own.size == 0:
        return LONGER, rolled_back, None
    try:
        (root,) = read_nodes([(0, own.size)], head.size, copy.tile)
        path = read_nodes(consistency_ranges(own.size, head.size), head.size, copy.tile)
        verify_consistency(own.size, head.size, path, root, head.root)
    except (Unavailable, Damaged, NotVerified):
        return LONGER, f"{rolled_back}; it has no tiles that could prove more", None
    if root == own.root:
        return LONGER, f"{rolled_back}, and continues ours", None
    proof = accuse(log, ours, theirs, root=root, path=path)
    return REWRITTEN, f"its first {own.size} leaves are not ours", proof


def _earlier_head(site: Site, copy: LogCopy, size: int) -> SignedNote | None:
    try:
        return copy.head(site.log.trust.log, size)
    except (Unavailable, NotVerified):
        return None


def _held_evidence(site: Site, copy: LogCopy) -> bytes | None:
    """Return the evidence that a witness keeps, where it holds."""
    content = copy.evidence(site.log.trust.origin)
    if content is None or not check_misbehaviour(content, site.log.trust, verify_signature).verified:
        return None
    return content


def _forks(site: Site, first: SignedNote, second: SignedNote) -> Iterator[bytes]:
    heads = [parse_checkpoint(note.text) for note in (first, second)]
    if heads[0].size == heads[1].size and heads[0].root != heads[1].root:
        yield accuse(site.log.trust.log, first, second).render()
