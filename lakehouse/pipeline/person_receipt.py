"""A person's own check: their leaf of a version's content tree, and what they need to recompute it.

Both are for the person. The bundle names nobody, its leaf is a keyed digest; but the size of the tree is
how many people the version holds, which is told to nobody else. The rows and the receipt key open nothing,
and once the person's key is destroyed nobody can make them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.adapters.arrow_rows import ordered_rows
from lakehouse.adapters.person_rows import PersonRows
from lakehouse.core.bundle import ContentLeaf
from lakehouse.core.lineage import Version
from lakehouse.core.merkle import inclusion_path, leaf_hash
from lakehouse.errors import Damaged, Refused, WrongUse
from lakehouse.pipeline.access import require_id_system
from lakehouse.pipeline.prove import Proof, prove
from lakehouse.pipeline.signing import content_keys
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.standing_leaves import content_root, intents_of, standing_leaves
from lakehouse.pipeline.versions import require_version, version_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonProof:
    """A bundle with one person's leaf, and the private document (bytes) from which they recompute it."""

    proof: Proof
    rows: bytes


def prove_rows(site: Site, what: str, person: str, system: str) -> list[PersonProof]:
    """Return one proof for each pseudonym under which the person has rows in `layer.table[@version]`.

    Raises NotAllowed (role dpo), WrongUse (no such table or id system, a version whose leaves a later
    write replaced), Refused (the table holds nothing on the person).
    """
    site.actor.require("receipts")
    require_id_system(site, system)
    version = _version(site, what)
    pseudonym = site.vault.find_subject(system, person)
    names = site.vault.aliases_of(pseudonym) if pseudonym else ()
    with site.registry.reading() as tx:
        kept = standing_leaves(tx, version.table)
        held = intents_of(tx, version.table, names)
    _require_leaves(site, version, kept)
    if not held:
        raise Refused(
            f"{version.table}@{version.version} holds no row of that person under {system!r}",
            remedy="check the identifier: it must be written exactly as the source writes it",
        )
    leaves = sorted(kept.values())
    return [_prove_one(site, version, name, held[name], kept[name], leaves) for name in names if name in held]


def _version(site: Site, what: str) -> Version:
    table, _, number = what.partition("@")
    if not number:
        return require_version(site, table)
    found = version_of(site, table, int(number)) if number.isdecimal() and number.isascii() else None
    if found is None:
        raise WrongUse("there is no such version", remedy="give layer.table or layer.table@version")
    return found


def _require_leaves(site: Site, version: Version, leaves: Mapping[str, str]) -> None:
    """Raise where the leaves kept are not those of this version: a later write replaced some."""
    if leaves and content_root(leaves.values()) == version.content_digest:
        return
    newest = require_version(site, version.table)
    raise WrongUse(
        f"{version.table}@{version.version} has no leaves of people any more"
        if leaves
        else f"{version.table} has no rows of people",
        remedy=f"livinglab prove {version.table}@{newest.version} --person ID --system S",
    )


def _prove_one(
    site: Site, version: Version, name: str, intent: str, leaf: str, leaves: Sequence[str]
) -> PersonProof:
    rows = site.lake.read_subjects(version.table, version.version, [name])
    own = PersonRows(
        table=version.table,
        intent=intent,
        pseudonym=name,
        key=site.vault.subject_keys([name], "receipt")[name],
        rows=ordered_rows(rows, content_keys(rows.column_names)),
    )
    if own.leaf().hex() != leaf:
        raise Damaged(f"rows of {version.table} do not give their leaf", remedy="livinglab fsck")
    index = leaves.index(leaf)
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]
    content = ContentLeaf(
        leaf=own.leaf(), index=index, size=len(leaves), path=tuple(inclusion_path(hashes, index))
    )
    proof = prove(site, f"{version.table}@{version.version}", content=content)
    return PersonProof(proof=proof, rows=own.render())
