"""The cosignatures kept for the log's heads: genuine, of heads of this log, and as many as the site demands.

Whoever rebuilds the log and signs it again with its own key has no cosignature over what came out.
"""

from collections import defaultdict
from collections.abc import Iterator

from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.checkpoint import parse_note
from lakehouse.core.cosignature import keys_in, verify_cosignature
from lakehouse.errors import NotVerified
from lakehouse.pipeline.cosign import genuine_cosignatures, meets, witness_place
from lakehouse.pipeline.fsck_registry import Finding, Snapshot
from lakehouse.pipeline.site import Site


def check_cosignatures(site: Site, snapshot: Snapshot) -> Iterator[Finding]:
    """Check every kept cosignature against its head, and the newest head against the site's demands.

    Cosignatures of witnesses that the site file no longer names are not verified: their keys are not known.
    """
    notes = {row["size"]: str(row["note"]) for row in snapshot.of("checkpoints")}
    kept: dict[int, list[Row]] = defaultdict(list)
    for row in snapshot.of("cosignatures"):
        kept[row["size"]].append(row)
    for size, rows in kept.items():
        for row in rows:
            problem = _problem(site, notes.get(size), row)
            if problem:
                yield Finding(kind=problem, place=f"registry.db cosignatures {size},{row['witness']}")
    newest = max(notes, default=0)
    if newest and not _meets(site, notes[newest], kept[newest]):
        wanted = f"{site.log_policy.cosignatures} ({site.log_policy.post_quantum} of ML-DSA-44)"
        yield Finding(
            kind=f"newest head has fewer cosignatures than {wanted}: livinglab log cosign",
            place="registry/checkpoint",
        )


def _problem(site: Site, text: str | None, row: Row) -> str | None:
    if text is None:
        return "cosignature of no head of this log"
    body = text.partition("\n\n")[0]
    try:
        line = parse_note(f"{body}\n\n{row['line']}\n")
    except NotVerified:
        return "cosignature cannot be read"
    for key in keys_in(line, site.log.trust.witnesses):
        try:
            verify_cosignature(line, key, verify_signature)
        except NotVerified:
            return "cosignature is not genuine"
    return None if row["witness"] == witness_place(line.signatures[0]) else "cosignature is another's"


def _meets(site: Site, text: str, rows: list[Row]) -> bool:
    try:
        note = parse_note(text)
    except NotVerified:
        return False
    return meets(site.log_policy, genuine_cosignatures(note, rows, site.log.trust.witnesses))
