"""report: one page on a table, a run or the site, with the same facts as JSON-LD beside it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse.adapters.budget_ledger import BudgetLedger
from lakehouse.adapters.durable_files import make_private_folder, write_durably
from lakehouse.adapters.report_html import render_linked_data, render_page
from lakehouse.adapters.sql_registry import Row, Transaction
from lakehouse.core.canonical import timestamp
from lakehouse.core.contract import QUARANTINE, DatasetContract, Layer
from lakehouse.core.report import Page
from lakehouse.core.report_overviews import SiteRows, run_page, site_page
from lakehouse.core.report_pages import table_page
from lakehouse.core.report_sources import LogHead, SiteFacts, TableFacts, VersionFacts
from lakehouse.errors import WrongUse
from lakehouse.pipeline.consents import count_refusals
from lakehouse.pipeline.lapsed_consents import withdrawn_since
from lakehouse.pipeline.left_behind import tell_left_behind
from lakehouse.pipeline.site import Site

DRAFT = "draft"
TARGET = re.compile(r"([a-z]+\.[a-z0-9_]+)(?:@([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The files of a report: the page first, then its JSON-LD."""

    files: tuple[Path, ...]
    html: str

    def as_json(self) -> dict[str, object]:
        """Return the fields of `report` (INTERFACE, Commands)."""
        return {"files": [str(file) for file in self.files]}


def write_report(site: Site, target: str | None, folder: Path) -> Report:
    """Write the report on `layer.table[@V]`, a run, or (None) the whole site into a folder.

    Raises NotAllowed, WrongUse (nothing is known of the target), Damaged.
    """
    site.actor.require("report")
    name, page = make_page(site, target)
    html = render_page(page)
    make_private_folder(folder)
    files = (folder / f"{name}.html", folder / f"{name}.jsonld")
    write_durably(files[0], html.encode())
    write_durably(files[1], render_linked_data(page).encode())
    return Report(files=files, html=html)


def make_page(site: Site, target: str | None) -> tuple[str, Page]:
    """Return the report's file name without its ending, and its page."""
    facts = site_facts(site)
    left = tell_left_behind(site) if target is None else []
    with site.registry.reading() as tx:
        versions = {
            row["leaf_index"]: VersionFacts.of(row) for row in tx.many("versions", order="leaf_index")
        }
        if target is None:
            return "site", site_page(facts, replace(_site_rows(tx, versions), left_behind=left))
        found = TARGET.fullmatch(target)
        if found is None:
            return _run_name(target), _run_page(facts, target, versions)
        table = _table_facts(tx, facts, versions, found[1], None if found[2] is None else int(found[2]))
    if table.release is not None:
        table = replace(table, withdrawn_since=withdrawn_since(site, table.contract, table.release))
    return table.version.label.replace(".", "-").replace("@", "-"), table_page(table)


def site_facts(site: Site) -> SiteFacts:
    """Return what every report of the site shares."""
    note = site.log.checkpoint_text()
    head = LogHead(origin=site.home.origin, size=site.log.size(), root=site.log.root().hex(), note=note)
    return SiteFacts(
        name=site.name,
        time=timestamp(site.clock()),
        code_version=site.code_version,
        policy=site.policy,
        contracts=site.contracts,
        head=head,
        charges=tuple(BudgetLedger(site.registry).charges()),
        refusals=count_refusals(site),
    )


def _table_facts(
    tx: Transaction,
    facts: SiteFacts,
    versions: Mapping[int, VersionFacts],
    table: str,
    number: int | None,
) -> TableFacts:
    contract = _contract_of(facts, table)
    own = [version for version in versions.values() if version.table == table]
    if not own and table.startswith(f"{Layer.GOLD}."):
        own = [version for version in versions.values() if version.table == f"{DRAFT}.{contract.name}"]
    chosen = [version for version in own if number is None or version.row["version"] == number]
    if not chosen:
        known = f"versions: {', '.join(version.label for version in own)}" if own else "livinglab tables"
        raise WrongUse("no such version of that table is signed", remedy=known)
    version = chosen[-1]
    release = _release_of(tx, contract, version)
    return TableFacts(
        site=facts,
        contract=contract,
        version=version,
        newest=own[-1].row["version"],
        ancestry=_ancestry(versions, [version.leaf], keep=lambda leaf: leaf != version.leaf),
        release=release,
        judged=_judged(version, versions) if release else {},
        decisions=tx.many("decisions", release_id=release["release_id"]) if release else (),
    )


def _contract_of(facts: SiteFacts, table: str) -> DatasetContract:
    """Return the contract of a table; a draft has that of its product, a quarantine that of its table."""
    layer, _, name = table.partition(".")
    contract = facts.contracts.find(
        f"{Layer.GOLD if layer == DRAFT else layer}.{name.removesuffix(QUARANTINE)}"
    )
    if contract is None:
        known = ", ".join(sorted(facts.contracts.by_table))
        raise WrongUse("no contract names that table", remedy=f"tables: {known}")
    return contract


def _release_of(tx: Transaction, contract: DatasetContract, version: VersionFacts) -> Row | None:
    """Return the release whose rows the version holds, as draft or published."""
    if contract.layer is not Layer.GOLD:
        return None
    rows = tx.many("releases", product=contract.name, order="created_at")
    column = "draft_version" if version.table.startswith(DRAFT) else "version"
    own = [
        row
        for row in rows
        if row["content_digest"] == version.row["content_digest"]
        and version.row["version"] in {row[column], row["version"]}
    ]
    return own[-1] if own else None


def _judged(version: VersionFacts, versions: Mapping[int, VersionFacts]) -> Row:
    """Return the details of the write that was assessed: those of the draft where one was promoted."""
    draft = versions.get(version.detail("promoted_from"))
    return dict((draft or version).row["details"] or {})


def _ancestry(
    versions: Mapping[int, VersionFacts], leaves: Iterable[int], keep: Callable[[int], bool]
) -> dict[int, VersionFacts]:
    """Return every version that the leaves go back to, themselves included where `keep` says so."""
    found: dict[int, VersionFacts] = {}
    waiting = list(leaves)
    while waiting:
        leaf = waiting.pop()
        if leaf in versions and leaf not in found:
            found[leaf] = versions[leaf]
            waiting.extend(versions[leaf].inputs)
    return {leaf: found[leaf] for leaf in sorted(found) if keep(leaf)}


def _run_page(facts: SiteFacts, run: str, versions: Mapping[int, VersionFacts]) -> Page:
    made = [version for version in versions.values() if version.detail("run") == run]
    if not made:
        raise WrongUse(
            "no run of that name wrote a version", remedy="TABLE is layer.table; runs: livinglab status"
        )
    ancestry = _ancestry(versions, [version.leaf for version in made], keep=lambda _leaf: True)
    return run_page(facts, run, made, list(ancestry.values()))


def _run_name(run: str) -> str:
    return "run-" + re.sub(r"[^0-9A-Za-z.-]+", "-", run).strip("-.")[:80]


def _site_rows(tx: Transaction, versions: Mapping[int, VersionFacts]) -> SiteRows:
    newest = {version.table: version for version in versions.values()}
    ancestry = _ancestry(versions, [version.leaf for version in newest.values()], keep=lambda _leaf: True)
    return SiteRows(
        versions=list(newest.values()),
        ancestry=[own for own in ancestry.values() if own.table in newest and newest[own.table] is own],
        releases=tx.many("releases", order="created_at"),
        decisions=tx.many("decisions", order="created_at"),
        models=tx.many("models", order="created_at"),
        answers=tx.count("answers"),
    )
