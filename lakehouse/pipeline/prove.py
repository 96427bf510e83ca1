"""Write what an outsider needs to check one leaf: the proof bundle, and for auditors its opening."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.adapters.time_stamps import check_stamp
from lakehouse.core.bundle import ContentLeaf, EarlierHead, OpenedDetails, ProofBundle
from lakehouse.core.checkpoint import Checkpoint, parse_note
from lakehouse.core.consent import commit_permissions, permissions_root
from lakehouse.core.lineage import TABLE_KINDS, LineageRecord, parse_record
from lakehouse.core.merkle import leaf_hash
from lakehouse.core.opening import OpenedConsent, Opening
from lakehouse.core.privacy_statement import CONSENTS
from lakehouse.core.proof import InclusionProof
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import Damaged, NotVerified, WrongUse
from lakehouse.pipeline.consents import permission_nonces, permitted_people
from lakehouse.pipeline.covered_head import CoveredHead, covered_head
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


def prove(site: Site, what: str, *, content: ContentLeaf | None = None, existence: bool = False) -> Proof:
    """Return the proof of `layer.table`, `layer.table@version` or a receipt.

    `content` adds one person's leaf; `existence` leaves the statements out.
    Raises WrongUse where there is no such thing, NotReady where no head with the cosignatures and time
    stamps that the site demands covers it yet, Damaged where log and registry do not agree on it.
    """
    site.actor.require("prove")
    with site.registry.reading() as tx:
        leaf = find_leaf(tx, what)
        row = leaf_row(tx, leaf)
        heads = tx.many("checkpoints", order="size")
        covered = covered_head(tx, heads, site.log.trust, leaf)
    try:
        bundle = _bundle(site, leaf, heads, covered)
        if not existence:
            bundle = replace(bundle, statements=_statements(row), content=content)
    except NotVerified as error:
        raise Damaged(f"leaf {leaf} of the log: {error.message}", remedy="livinglab fsck") from error
    return Proof(bundle=_sound(site, bundle, leaf), leaf=leaf, head=covered.head)


def _bundle(site: Site, leaf: int, heads: Sequence[Row], covered: CoveredHead) -> ProofBundle:
    """Return the bundle of existence; `before` and `earlier` are the heads next to the leaf."""
    size = covered.head.size
    before = next((row for row in reversed(heads) if row["size"] <= leaf), None)
    earlier = next((row for row in heads if leaf < row["size"] < size), None)
    return ProofBundle(
        record=parse_record(site.log.entry(leaf)),
        proof=InclusionProof(index=leaf, path=tuple(site.log.inclusion(leaf, size)), checkpoint=covered.note),
        before=_beginning(site, before, size),
        earlier=_beginning(site, earlier, size),
        time_stamps=covered.time_stamps,
    )


def _beginning(site: Site, row: Row | None, size: int) -> EarlierHead | None:
    """Return a head that was signed, with the path that shows it is a beginning of the one of `size`."""
    if row is None:
        return None
    path = site.log.consistency(row["size"], size)
    return EarlierHead(checkpoint=parse_note(row["note"]), path=tuple(path))


def _statements(row: Row) -> dict[str, OpenedDetails]:
    return {
        name: OpenedDetails(value=kept["value"], salt=bytes.fromhex(kept["salt"]))
        for name, kept in (row["statements"] or {}).items()
    }


def _sound(site: Site, bundle: ProofBundle, leaf: int) -> bytes:
    """Return the bytes of a bundle that verifies against our own trust file."""
    data = bundle.render()
    verdict = verify_bundle(data, site.log.trust, verify_signature, check_stamp=check_stamp)
    failed = [check for check in verdict.checks if not check.ok]
    if failed:
        raise Damaged(f"leaf {leaf} has no proof: {failed[0].why}", remedy="livinglab fsck")
    return data


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


def leaf_row(tx: Transaction, leaf: int) -> Row:
    """Return the registry row (`versions` or `records`) of a leaf; Damaged where there is none."""
    row = tx.one("versions", leaf_index=leaf) or tx.one("records", leaf_index=leaf)
    if row is None:
        raise Damaged(f"registry.db has no record for leaf {leaf}", remedy="livinglab fsck")
    return row


def open_leaf(site: Site, leaf: int) -> Opening:
    """Return the opening of one leaf, for an auditor: its file key, its details, its consents row by row.

    The key opens this version's file digest only, a nonce one person's consent for one purpose only.
    """
    site.actor.require("openings")
    with site.registry.reading() as tx:
        row = leaf_row(tx, leaf)
    entry = site.log.entry(leaf)
    is_version = row["kind"] in TABLE_KINDS
    return Opening(
        leaf=leaf_hash(entry).hex(),
        key=file_opening(site, row["table_name"], row["version"]) if is_version else None,
        details=OpenedDetails(value=row["details"], salt=bytes.fromhex(row["salt"])),
        consents=_open_consents(site, parse_record(entry), row),
    )


def _open_consents(site: Site, record: LineageRecord, row: Row) -> tuple[OpenedConsent, ...] | None:
    """Return who was permitted, and why; Damaged where the vault no longer gives the record's root."""
    stated = (row["statements"] or {}).get(CONSENTS)
    if record.consent_root is None or stated is None:
        return None
    purpose = stated["value"]["purpose"]
    bases = permitted_people(site, purpose, record.consent_root)
    nonces = dict(zip(bases, permission_nonces(site, purpose, bases), strict=True))
    if permissions_root(commit_permissions(nonces.values(), purpose, bases)) != record.consent_root:
        raise Damaged("the vault does not give the record's consents", remedy="restore vault.db")
    return tuple(
        OpenedConsent(pseudonym=name, basis=basis, nonce=nonces[name])
        for name, basis in sorted(bases.items())
    )
