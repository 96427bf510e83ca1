"""Write what an outsider needs to check one leaf: the proof bundle, and for auditors its opening."""

import re
from dataclasses import dataclass
from typing import Any

from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.bundle import EarlierHead, OpenedDetails, ProofBundle
from lakehouse.core.checkpoint import Checkpoint, parse_checkpoint, parse_note
from lakehouse.core.lineage import TABLE_KINDS, parse_record
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.opening import Opening
from lakehouse.core.proof import InclusionProof
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import Damaged, NotVerified, WrongUse
from lakehouse.pipeline.signing import file_opening
from lakehouse.pipeline.site import Site

_TABLE_VERSION = re.compile(r"((?:bronze|silver|gold|draft)\.[a-z0-9_]+)(?:@([0-9]{1,18}))?", re.ASCII)
_RECEIPTS = (
    ("answers", "receipt"),
    ("releases", "release_id"),
    ("decisions", "decision_id"),
    ("models", "digest"),
    ("models", "name"),
    ("entries", "ref"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A bundle that verifies, the leaf it speaks of and the head it leads to."""

    bundle: bytes
    leaf: int
    head: Checkpoint

    def as_json(self) -> dict[str, Any]:
        """Return `leaf` and `checkpoint` as INTERFACE has them."""
        return {"leaf": self.leaf, "checkpoint": checkpoint_fields(self.head)}


def checkpoint_fields(head: Checkpoint) -> dict[str, Any]:
    """Return origin, size and root (lower-case hex; the checkpoint itself has it in base64)."""
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def prove(site: Site, what: str) -> Proof:
    """Return the proof of `layer.table`, `layer.table@version` or a receipt.

    Raises WrongUse where there is no such thing, Damaged where log and registry do not agree on it.
    """
    site.actor.require("prove")
    with site.registry.reading() as tx:
        leaf = find_leaf(tx, what)
        heads = tx.many("checkpoints", order="size")
    note = site.log.checkpoint_text()
    try:
        head = parse_checkpoint(parse_note(note).text)
        bundle = ProofBundle(
            record=parse_record(site.log.entry(leaf)),
            proof=InclusionProof(
                index=leaf, path=tuple(site.log.inclusion(leaf, head.size)), checkpoint=parse_note(note)
            ),
            earlier=_earlier_head(site, heads, leaf, head),
        )
    except NotVerified as error:
        raise Damaged(f"leaf {leaf} of the log: {error.message}", remedy="livinglab fsck") from error
    return Proof(bundle=_sound(site, bundle, leaf), leaf=leaf, head=head)


def _sound(site: Site, bundle: ProofBundle, leaf: int) -> bytes:
    """Return the bytes of a bundle that verifies against our own trust file."""
    data = bundle.render()
    failed = [check for check in verify_bundle(data, site.log.trust, verify_signature).checks if not check.ok]
    if failed:
        raise Damaged(f"leaf {leaf} has no proof: {failed[0].why}", remedy="livinglab fsck")
    return data


def _earlier_head(site: Site, heads: list[Row], leaf: int, head: Checkpoint) -> EarlierHead | None:
    """Return the first head that was signed once the leaf stood, if the log has grown since."""
    first = next((row for row in heads if leaf < row["size"] < head.size), None)
    if first is None:
        return None
    path = site.log.consistency(first["size"], head.size)
    return EarlierHead(checkpoint=parse_note(first["note"]), path=tuple(path))


def find_leaf(tx: Transaction, what: str) -> int:
    """Return the leaf index of a table version (default: its newest) or of a receipt."""
    named = _TABLE_VERSION.fullmatch(what)
    leaf = _version_leaf(tx, named[1], named[2]) if named else _receipt_leaf(tx, what)
    if leaf is None:
        raise WrongUse(
            "nothing with a proof has this name",
            remedy="give layer.table, layer.table@version or a receipt; `livinglab log` lists them",
        )
    return leaf


def _version_leaf(tx: Transaction, table: str, number: str | None) -> int | None:
    if number is None:
        rows = tx.many("versions", table_name=table, order="version", newest=1)
    else:
        rows = tx.many("versions", table_name=table, version=int(number))
    return rows[0]["leaf_index"] if rows else None


def _receipt_leaf(tx: Transaction, receipt: str) -> int | None:
    for table, column in _RECEIPTS:
        rows = tx.many(table, order="leaf_index", newest=1, **{column: receipt})
        if rows and rows[0]["leaf_index"] is not None:
            return int(rows[0]["leaf_index"])
    return None


def open_leaf(site: Site, leaf: int) -> Opening:
    """Return the opening of one leaf, for an auditor; the key opens this version's file digest only."""
    site.actor.require("openings")
    with site.registry.reading() as tx:
        row = tx.one("versions", leaf_index=leaf) or tx.one("records", leaf_index=leaf)
    if row is None:
        raise Damaged(f"registry.db has no record for leaf {leaf}", remedy="livinglab fsck")
    entry = site.log.entry(leaf)
    is_version = row["kind"] in TABLE_KINDS
    return Opening(
        leaf=leaf_hash(entry).hex(),
        key=file_opening(site, row["table_name"], row["version"]) if is_version else None,
        details=OpenedDetails(value=row["details"], salt=bytes.fromhex(row["salt"])),
    )
