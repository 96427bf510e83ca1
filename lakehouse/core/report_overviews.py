"""Reports on more than one table: a run, or the whole site (its record of processing activities)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.core.budget import decimal_text, epsilon_of
from lakehouse.core.contract import QUARANTINE, Layer
from lakehouse.core.report import Grid, Page, Section, Tile, Tone, facts_of, filled, moment, shown
from lakehouse.core.report_flow import version_flow
from lakehouse.core.report_linked_data import versions_linked_data
from lakehouse.core.report_pages import site_stamp
from lakehouse.core.report_sections import findings_grid
from lakehouse.core.report_sources import Row, SiteFacts, VersionFacts
from lakehouse.core.report_words import REASONS, actor_words

REFUSED_BY = "People who refused or withdrew (rounded)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRows:
    """What a report on the whole site shows: newest versions, and rows of the registry.

    left_behind: what changed rules and consents made stale {what, remedy}.
    """

    versions: Sequence[VersionFacts]
    ancestry: Sequence[VersionFacts]
    releases: Sequence[Row] = field(default_factory=tuple)
    decisions: Sequence[Row] = field(default_factory=tuple)
    models: Sequence[Row] = field(default_factory=tuple)
    answers: int = 0
    left_behind: Sequence[Mapping[str, str]] = ()


def run_page(
    site: SiteFacts, run: str, made: Sequence[VersionFacts], ancestry: Sequence[VersionFacts]
) -> Page:
    """Return the report on one run: the versions it made, from what, and what was set aside."""
    own = [version for version in made if not version.table.endswith(QUARANTINE)]
    aside = sum(version.detail("quarantined") or 0 for version in own)
    tiles = (
        Tile(label="Versions made", value=shown(len(made))),
        Tile(label="Received", value=shown(sum(version.detail("received") or 0 for version in own))),
        Tile(label="Set aside", value=shown(aside), tone=Tone.WARN if aside else Tone.GOOD),
    )
    first = made[0]
    about = facts_of(
        [
            ("Run", run),
            ("Began to write", moment(first.row["created_at"])),
            ("By", actor_words(first.detail("actor"))),
            ("Code version", first.record.get("code_version")),
        ]
    )
    sections = (
        Section(anchor="about", title="What this run did", facts=about, shows_flow=True),
        Section(anchor="versions", title="What it wrote", grids=(_versions_grid(made),)),
        Section(anchor="aside", title="What was set aside", grids=filled(_reasons_grid(own))),
        Section(anchor="findings", title="Personal data found", grids=filled(_findings_of(own))),
        _log_section(site, [version.label for version in own]),
    )
    return Page(
        kind="Run",
        title=run,
        subtitle=f"{len(own)} tables written",
        lead="Each version below has its own leaf in the log; each has its own report.",
        stamp=site_stamp(site),
        confidential=True,
        tiles=tiles,
        sections=tuple(section for section in sections if section.grids or section.facts),
        flow=version_flow(
            [version for version in ancestry if not version.table.endswith(QUARANTINE)],
            site.contracts,
            frozenset(version.leaf for version in own),
        ),
        linked_data=versions_linked_data(site, made),
    )


def site_page(site: SiteFacts, rows: SiteRows) -> Page:
    """Return the report on the whole site, for the record of processing activities."""
    waiting = [release for release in rows.releases if release["state"] == "SUBMITTED"]
    published = [release for release in rows.releases if release["state"] == "PUBLISHED"]
    own = [version for version in rows.versions if not version.table.endswith(QUARANTINE)]
    spent = sum(charge.loss.micro for charge in site.charges)
    tiles = (
        Tile(label="Tables", value=shown(len(own))),
        Tile(label="Published releases", value=shown(len(published))),
        Tile(
            label="Waiting for a decision",
            value=shown(len(waiting)),
            tone=Tone.WARN if waiting else Tone.GOOD,
        ),
        Tile(label="Answers given", value=shown(rows.answers)),
        Tile(label="Epsilon spent", value=decimal_text(epsilon_of(spent)), note="all populations"),
        Tile(label="Log size", value=shown(site.head.size), note="signed leaves"),
    )
    sections = (
        Section(anchor="flow", title="What is made from what", lead="Newest versions.", shows_flow=True,
                grids=filled(_versions_grid(own))),
        Section(anchor="purposes", title="Purposes and legal bases", grids=filled(_purposes_grid(site))),
        Section(anchor="holdings", title="What is held, and how long", grids=filled(_holdings_grid(site))),
        Section(anchor="releases", title="Releases", grids=filled(_releases_grid(rows.releases))),
        Section(anchor="stale", title="To be made anew", grids=filled(_left_behind_grid(rows.left_behind))),
        Section(anchor="decisions", title="Decisions", grids=filled(_decisions_grid(rows.decisions))),
        Section(anchor="budget", title="Privacy loss spent", grids=filled(_budget_grid(site))),
        Section(anchor="models", title="Trained models", grids=filled(_models_grid(rows.models))),
        _log_section(site, []),
    )  # fmt: skip
    return Page(
        kind="Site",
        title=site.name,
        subtitle="Record of what is held, why, and what left",
        lead=site.policy.description,
        stamp=site_stamp(site),
        confidential=True,
        tiles=tiles,
        sections=tuple(section for section in sections if section.grids or section.facts),
        flow=version_flow(
            [version for version in rows.ancestry if not version.table.endswith(QUARANTINE)], site.contracts
        ),
        linked_data=versions_linked_data(site, own),
    )


def _versions_grid(versions: Sequence[VersionFacts]) -> Grid:
    columns = ("Version", "Rows", "Received", "Set aside", "Leaf", "Written")
    rows = tuple(
        (
            version.label,
            shown(version.rows),
            shown(version.detail("received")),
            shown(version.detail("quarantined")),
            str(version.leaf),
            moment(version.row["created_at"]),
        )
        for version in versions
    )
    return Grid(columns=columns, rows=rows, right=("Rows", "Received", "Set aside", "Leaf"))


def _reasons_grid(versions: Sequence[VersionFacts]) -> Grid:
    rows = tuple(
        (version.table, code, REASONS.get(code, "–"), shown(count))
        for version in versions
        for code, count in sorted((version.detail("reasons") or {}).items())
    )
    return Grid(columns=("Table", "Set aside as", "Because", "Count"), rows=rows, right=("Count",))


def _findings_of(versions: Sequence[VersionFacts]) -> Grid:
    found: Counter[str] = Counter()
    for version in versions:
        for name, count in (version.detail("findings") or {}).items():
            found[f"{version.table}: {name}"] += count
    return findings_grid(found)


def _purposes_grid(site: SiteFacts) -> Grid:
    rows = tuple(
        (
            own.title,
            own.name,
            own.legal_basis,
            "permitted" if own.permits_without_record else "denied",
            site.people_refusing(own.name),
        )
        for own in site.policy.purposes.values()
    )
    columns = ("Purpose", "Name", "Legal basis", "Without a consent record", REFUSED_BY)
    return Grid(columns=columns, rows=rows, right=(REFUSED_BY,))


def _holdings_grid(site: SiteFacts) -> Grid:
    rows = tuple(
        (
            contract.table,
            contract.title,
            contract.population,
            ", ".join(contract.purposes),
            f"{contract.retention_days:,}\u00a0days",
        )
        for layer in Layer
        for contract in site.contracts.of_layer(layer)
    )
    return Grid(columns=("Table", "Holds", "Population", "Purposes", "Kept"), rows=rows)


def _releases_grid(releases: Sequence[Row]) -> Grid:
    tones = {"PUBLISHED": Tone.GOOD, "SUBMITTED": Tone.WARN}
    rows = tuple(
        (
            str(own["product"]),
            moment(own["created_at"]),
            shown(own["k"]),
            shown(own["l"]),
            shown(own["t"]),
            "; ".join(own["reasons"] or ()) or "–",
            str(own["state"]),
        )
        for own in releases
    )
    return Grid(
        columns=("Product", "Made", "k", "l", "t", "Reasons", "State"),
        rows=rows,
        right=("k", "l", "t"),
        tones=tuple(tones.get(str(own["state"]), Tone.BAD) for own in releases),
    )


def _decisions_grid(decisions: Sequence[Row]) -> Grid:
    rows = tuple(
        (
            own["decision"],
            own["release_id"],
            actor_words(own["actor"]) or "–",
            own["reason"],
            moment(own["created_at"]),
        )
        for own in decisions
    )
    return Grid(columns=("Decision", "Release", "By", "Reason", "When"), rows=rows)


def _budget_grid(site: SiteFacts) -> Grid:
    spent: Counter[str] = Counter()
    for charge in site.charges:
        spent[charge.population] += charge.loss.micro
    rows = tuple(
        (
            name,
            decimal_text(budget.cap),
            decimal_text(epsilon_of(spent[name])),
            decimal_text(budget.cap - epsilon_of(spent[name])),
        )
        for name, budget in sorted(site.policy.budgets.items())
    )
    return Grid(columns=("Population", "Cap", "Spent", "Left"), rows=rows, right=("Cap", "Spent", "Left"))


def _models_grid(models: Sequence[Row]) -> Grid:
    rows = tuple(
        (
            own["name"],
            own["state"],
            str(own["digest"])[:16],
            str(own["leaf_index"]),
            moment(own["created_at"]),
        )
        for own in models
    )
    return Grid(columns=("Model", "State", "Digest", "Leaf", "Trained"), rows=rows, right=("Leaf",))


def _left_behind_grid(left: Sequence[Mapping[str, str]]) -> Grid:
    return Grid(columns=("What", "Way out"), rows=tuple((own["what"], own["remedy"]) for own in left))


def _log_section(site: SiteFacts, labels: Sequence[str]) -> Section:
    facts = facts_of(
        [
            ("Log", site.head.origin),
            ("Size", site.head.size),
            ("Root", site.head.root),
            ("Checkpoint", site.head.note.strip()),
        ],
        code=True,
    )
    proofs = tuple(f"livinglab prove {label} -o proof.json" for label in labels[:1])
    commands = (*proofs, "livinglab fsck") if not labels else (*proofs, "livinglab verify proof.json")
    lead = "Every version, answer, decision and model has a leaf in one log whose head is signed."
    return Section(anchor="proof", title="Proof", lead=lead, facts=facts, commands=commands)
