"""Whole reports: one version of a table, one run, or the site."""

from collections.abc import Sequence

from lakehouse.core.budget import decimal_text, epsilon_of
from lakehouse.core.contract import Layer
from lakehouse.core.report import Page, Section, Tile, Tone, moment, shown
from lakehouse.core.report_flow import version_flow
from lakehouse.core.report_linked_data import table_linked_data
from lakehouse.core.report_release import budget_section, consent_section, release_section
from lakehouse.core.report_sections import (
    about_section,
    checks_section,
    columns_section,
    findings_section,
    origin_section,
    proof_section,
    run_section,
)
from lakehouse.core.report_sources import SiteFacts, TableFacts
from lakehouse.core.report_utility import utility_section

LAYER_SENTENCES = {
    Layer.BRONZE: "Data as received. People stand under random pseudonyms; what names them, and all free "
    "text, is sealed under each person's own key.",
    Layer.SILVER: "Cleaned and checked rows of people under pseudonyms. Analysts never see them: they ask "
    "questions that are answered with noise.",
    Layer.GOLD: "A product for analysts.",
}
STATE_SENTENCES = {
    "PUBLISHED": "It is published: every limit below was met, or a person approved it.",
    "SUBMITTED": "It is not published: it waits for the decision of a data protection officer.",
    "REJECTED": "It is not published: it was rejected.",
    "WITHDRAWN": "It was published and has been withdrawn.",
}


def table_page(table: TableFacts) -> Page:
    """Return the report on one version of a table."""
    sections: list[Section | None] = [
        about_section(table),
        release_section(table),
        utility_section(table),
        consent_section(table),
        origin_section(table),
        columns_section(table),
        checks_section(table),
        findings_section(table),
        budget_section(table),
        run_section(table),
        proof_section(table),
    ]
    layer = table.contract.layer
    state = str(table.release["state"]) if table.release else ""
    return Page(
        kind="draft of a gold table" if table.version.table.startswith("draft.") else f"{layer} table",
        title=table.version.label,
        subtitle=table.contract.title,
        lead=f"{LAYER_SENTENCES[layer]} {STATE_SENTENCES.get(state, '')}".strip(),
        stamp=site_stamp(table.site),
        confidential=not table.public,
        tiles=_gold_tiles(table) if table.release else _people_tiles(table),
        sections=tuple(section for section in sections if section is not None),
        flow=version_flow(
            (*table.ancestry.values(), table.version),
            table.site.contracts,
            frozenset({table.version.leaf}),
            hide_rows=table.public,
        ),
        linked_data=table_linked_data(table),
    )


def site_stamp(site: SiteFacts) -> str:
    """Return when, where and by which code a report was written."""
    written = f"Written {moment(site.time)} at site {site.name}"
    return f"{written} · log size {site.head.size:,} · code {site.code_version[:24]}"


def _people_tiles(table: TableFacts) -> tuple[Tile, ...]:
    version = table.version
    aside = version.detail("quarantined")
    people = version.detail("subjects")
    tiles = [
        Tile(label="Rows", value=shown(version.rows), note=table.contract.grain),
        Tile(label="People", value=shown(people), note="under pseudonyms") if people is not None else None,
        _aside_tile(aside) if isinstance(aside, int) else None,
        _checks_tile(version.detail("checks") or ()),
        _budget_tile(table),
        _leaf_tile(table),
    ]
    return tuple(tile for tile in tiles if tile is not None)


def _gold_tiles(table: TableFacts) -> tuple[Tile, ...]:
    release = table.release or {}
    state = str(release["state"])
    tiles = [
        Tile(label="State", value=state.capitalize(), tone=_state_tone(state)),
        Tile(label="Rows", value=shown(table.version.rows), note=table.contract.grain),
        *(_privacy_tile(table, name) for name in ("k", "l", "t") if release.get(name) is not None),
        Tile(label="Left out", value=table.people(release.get("suppressed")), note="rows suppressed"),
        _budget_tile(table),
        _leaf_tile(table),
    ]
    return tuple(tile for tile in tiles if tile is not None)


def _privacy_tile(table: TableFacts, name: str) -> Tile:
    meaning = {
        "k": "people at least look alike",
        "l": "sensitive values in each group",
        "t": "distance of a group from all",
    }
    value = (table.release or {})[name]
    floor = table.site.policy.floor
    held = float(value) <= float(floor.t) if name == "t" else int(value) >= getattr(floor, name)
    return Tile(label=name, value=str(value), note=meaning[name], tone=Tone.GOOD if held else Tone.WARN)


def _state_tone(state: str) -> Tone:
    return {"PUBLISHED": Tone.GOOD, "SUBMITTED": Tone.WARN}.get(state, Tone.BAD)


def _aside_tile(aside: int) -> Tile:
    tone = Tone.WARN if aside else Tone.GOOD
    return Tile(label="Set aside", value=shown(aside), note="with a reason each", tone=tone)


def _checks_tile(checks: Sequence[dict[str, object]]) -> Tile | None:
    if not checks:
        return None
    passed = sum(1 for check in checks if check.get("success"))
    tone = Tone.GOOD if passed == len(checks) else Tone.WARN
    return Tile(label="Checks passed", value=f"{passed} of {len(checks)}", tone=tone)


def _budget_tile(table: TableFacts) -> Tile | None:
    population = table.contract.population
    budget = table.site.policy.budgets.get(population)
    if budget is None:
        return None
    spent = sum(charge.loss.micro for charge in table.site.charges if charge.population == population)
    note = f"of {decimal_text(budget.cap)} for {population!r}"
    return Tile(label="Epsilon spent", value=decimal_text(epsilon_of(spent)), note=note)


def _leaf_tile(table: TableFacts) -> Tile:
    return Tile(label="Leaf in the log", value=str(table.version.leaf), note=f"of {table.site.head.size:,}")
