"""What a person decides about a release: one truth in the registry, whichever door they came through.

Approving promotes exactly the rows that were submitted: their content digest is computed again and
compared. A decision that was made before is returned as it stands, so the second door stops there.
"""

from lakehouse.adapters.sql_registry import Row
from lakehouse.core.canonical import timestamp
from lakehouse.core.lineage import Version
from lakehouse.core.privacy_statement import PRIVACY
from lakehouse.core.release import (
    DECIDED,
    Decision,
    ReleaseResult,
    ReleaseState,
    parse_decision,
    require_transition,
)
from lakehouse.core.release_rules import parse_release_rules
from lakehouse.errors import ConsentRefused, Damaged, Refused, WrongUse
from lakehouse.pipeline.consents import ConsentCoverage, consent_coverage
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.publish_records import as_result, find_release, later_releases
from lakehouse.pipeline.signing import plain_content
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.statements import both_statements
from lakehouse.pipeline.versions import repeat_of, version_of, version_statements
from lakehouse.pipeline.writing import TableWrite, table_locks, write_tables

FOLLOWS = {
    Decision.APPROVE: {ReleaseState.APPROVED, ReleaseState.PUBLISHED},
    Decision.REJECT: {ReleaseState.REJECTED},
    Decision.WITHDRAW: {ReleaseState.WITHDRAWN},
}
"""States that say this decision was made already."""


def decide(site: Site, release_id: str, decision: str, reason: str) -> ReleaseResult:
    """Record a decision (`approve`, `reject`, `withdraw`) about a release and carry it out.

    Raises:
        NotAllowed: the actor is no data protection officer.
        WrongUse: no such decision or release, or no reason.
        Refused: the release is in a state that allows no such decision, or a later one replaced it.
        ConsentRefused: people in the draft no longer permit its purpose.
        Damaged: the draft is not what was submitted.
    """
    chosen = parse_decision(decision)
    site.actor.require(str(chosen))
    if not reason.strip():
        raise WrongUse("a decision needs a reason", remedy=f"livinglab {chosen} {release_id} --reason TEXT")
    product = site.contracts.gold(find_release(site, release_id)["product"])
    with table_locks(site, [product.table]):
        row = find_release(site, release_id)
        state = ReleaseState(row["state"])
        repeated = state in FOLLOWS[chosen]
        if not repeated:
            require_transition(state, DECIDED[chosen], release_id)
            if chosen is Decision.APPROVE:
                _require_promotable(site, row)
            _log_decision(site, row, chosen, reason)
        if chosen is Decision.APPROVE and state is not ReleaseState.PUBLISHED:
            _promote(site, find_release(site, release_id))
        return as_result(site, find_release(site, release_id), repeated=repeated)


def _log_decision(site: Site, row: Row, decision: Decision, reason: str) -> None:
    release_id, now = row["release_id"], timestamp(site.clock())
    log_record(
        site,
        draft_record(
            site,
            kind="decision",
            table=row["table_name"],
            digests={"content": row["content_digest"]},
            details={"release": release_id, "decision": str(decision), "reason": reason},
            ref=release_id,
            inputs=[row["leaf_index"]],
        ),
        rows={
            "decisions": [
                {
                    "decision_id": f"{release_id}.{decision}",
                    "release_id": release_id,
                    "decision": str(decision),
                    "reason": reason,
                    "actor": site.actor.as_json(),
                    "leaf_index": None,
                    "created_at": now,
                }
            ]
        },
        changes=[
            ("releases", {"release_id": release_id}, {"state": str(DECIDED[decision]), "updated_at": now})
        ],
    )


def _require_promotable(site: Site, row: Row) -> None:
    later = later_releases(site, row)
    if later:
        raise Refused(
            f"release {row['release_id']} was replaced by {later[-1]['release_id']}",
            remedy="decide about the later one, and reject this one",
            later=later[-1]["release_id"],
        )
    denied = _coverage(site, row).denied
    if denied:
        raise ConsentRefused(
            f"{len(denied)} people in release {row['release_id']} no longer permit its purpose",
            remedy=f"reject it and run: livinglab publish {row['product']}",
            people=len(denied),
        )
    _submitted_version(site, row)


def _coverage(site: Site, row: Row) -> ConsentCoverage:
    rules = parse_release_rules(site.contracts.gold(row["product"]), site.policy.floor)
    people = set[str]().union(*site.vault.cells_of(row["release_id"]).values())
    return consent_coverage(site, people, rules.purpose)


def _submitted_version(site: Site, row: Row) -> Version:
    """Return the draft's version; Damaged where its rows are not those that were submitted."""
    version = version_of(site, row["table_name"], row["version"])
    if version is None or version.content_digest != row["content_digest"]:
        raise Damaged(
            f"the draft of release {row['release_id']} is not in the registry", remedy="livinglab fsck"
        )
    if plain_content(site.lake.read(version.table, version.version)) != version.content_digest:
        raise Damaged(f"the draft of release {row['release_id']} was changed", remedy="livinglab fsck")
    return version


def _promote(site: Site, row: Row) -> None:
    """Write the submitted rows to gold and end the release PUBLISHED; done again it changes nothing."""
    run_key = f"approve/{row['run_key']}"
    made = repeat_of(site, run_key) or _write_gold(site, row, run_key)
    gold = made[0]
    if gold.content_digest != row["content_digest"]:
        raise Damaged(f"release {row['release_id']} is not what was submitted", remedy="livinglab fsck")
    with site.registry.transaction() as tx:
        tx.change(
            "releases",
            {"release_id": row["release_id"]},
            state=str(ReleaseState.PUBLISHED),
            table_name=gold.table,
            draft_version=row["version"],
            version=gold.version,
            leaf_index=gold.leaf,
            updated_at=timestamp(site.clock()),
        )


def _write_gold(site: Site, row: Row, run_key: str) -> list[Version]:
    draft, product = _submitted_version(site, row), site.contracts.gold(row["product"])
    privacy, coverage = version_statements(site, draft)[PRIVACY], _coverage(site, row)
    write = TableWrite(
        table=product.table,
        rows=site.lake.read(draft.table, draft.version),
        mode="overwrite",
        by_subject=False,
        details={"release": row["release_id"], "assessment": row["facts"], "promoted_from": draft.leaf},
        statements=both_statements(site, privacy, coverage),
    )
    return write_tables(
        site,
        verb="approve",
        run_key=run_key,
        writes=[write],
        inputs=[draft.leaf, _decision_leaf(site, row)],
        consent_root=coverage.root,
    )


def _decision_leaf(site: Site, row: Row) -> int:
    with site.registry.reading() as tx:
        decision = tx.one("decisions", decision_id=f"{row['release_id']}.{Decision.APPROVE}")
    if decision is None:
        raise Damaged(f"release {row['release_id']} is approved by no decision", remedy="livinglab fsck")
    return int(decision["leaf_index"])
